"""Who waits for whom, where the files of a table are merged."""

import threading

import pytest

from local_stack.bigquery.maintenance.gate import MergingGate

NOT_LONG = 0.05


@pytest.mark.parametrize(
    "text",
    [
        "delete from d.payments where true",
        "begin transaction; insert into d.other select 1; UPDATE `p.d.Payments` set n = 1; commit",
        "merge into d.other using d.payments",
        '{"writeDisposition": "WRITE_TRUNCATE", "tableId": "payments"}',
        "call d.some_procedure()",
        "execute immediate 'anything'",
    ],
)
def test_a_table_is_not_merged_while_a_job_runs_that_may_delete_from_it(text: str) -> None:
    gate = MergingGate()
    with gate.job(text), gate.merging("payments", NOT_LONG) as is_free:
        assert not is_free
    with gate.merging("payments", NOT_LONG) as is_free:
        assert is_free


@pytest.mark.parametrize(
    "text", ["select * from d.payments", "insert into d.payments select 1", "delete from d.control where true"]
)
def test_a_table_is_merged_beside_any_other_job(text: str) -> None:
    gate = MergingGate()
    with gate.job(text), gate.merging("payments", NOT_LONG) as is_free:
        assert is_free


def test_a_job_that_may_delete_waits_until_the_table_is_merged() -> None:
    gate, order = MergingGate(), []

    def delete() -> None:
        with gate.job("delete from d.payments"):
            order.append("deleted")

    job = threading.Thread(target=delete)
    with gate.merging("payments", NOT_LONG):
        job.start()
        job.join(NOT_LONG)
        order.append("merged")
    job.join()
    assert order == ["merged", "deleted"]


def test_a_table_that_was_not_free_keeps_nobody_waiting() -> None:
    gate = MergingGate()
    with (
        gate.job("delete from d.payments"),
        gate.merging("payments", NOT_LONG),
        gate.job("update d.payments set n = 1"),
    ):
        pass


def test_a_merge_begins_as_soon_as_the_job_has_ended() -> None:
    gate, began = MergingGate(), threading.Event()

    def merge() -> None:
        with gate.merging("payments", 60) as is_free:
            if is_free:
                began.set()

    merging = threading.Thread(target=merge)
    with gate.job("delete from d.payments"):
        merging.start()
        assert not began.wait(NOT_LONG)
    merging.join()
    assert began.is_set()


def test_a_job_that_fails_keeps_no_table_from_being_merged() -> None:
    gate = MergingGate()
    with pytest.raises(RuntimeError), gate.job("delete from d.payments"):
        raise RuntimeError
    with gate.merging("payments", NOT_LONG) as is_free:
        assert is_free
