"""Publishing: what a batch must be to be let in, and how a lost answer is found out about."""

import re
from collections import Counter
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any, cast

import pytest
from google.api_core.exceptions import BadRequest, Forbidden, ServiceUnavailable
from google.cloud.bigquery import Client

from spark_jobs.incidents import CheckpointUnusable, Incident, IncidentKind
from spark_jobs.publishing.batch import Batch, Interval
from spark_jobs.publishing.control import Control
from spark_jobs.sinks.bigquery import publisher as publishing
from spark_jobs.sinks.bigquery.publisher import MAX_ATTEMPTS, Publisher, run_key
from spark_jobs.source.offsets import offsets_to_json
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse import retries, transactions
from tests.unit.spark_jobs.batches import BATCH, CONTROL, INTERVAL, NOON_US, SETTINGS, TALLY, FakeClient, FakeJob

FOUND = {
    **{"correction_count": 5, "erasure_count": 2, "kafka_partition": 0, "disposition": "UNIQUE"},
    **{"currency": "EUR", "amount_minor": 2**62, "is_erased": False},
}
"""What the warehouse says of a record that is known."""
NOTHING = [FOUND | dict.fromkeys(("kafka_partition", "disposition", "currency", "amount_minor", "is_erased"))]
AFTER = replace(CONTROL, last_batch_id=8, end_offsets=INTERVAL.end)
FAILED = BadRequest("Bad file")  # type: ignore[no-untyped-call]
NAME = f"g1_4_{run_key(CONTROL)}"
"""The batch, in the names of its table and jobs."""
UNAVAILABLE = ServiceUnavailable("try later")  # type: ignore[no-untyped-call]


class Warehouse:
    """Scripted answers to the transaction and to looks at the control row."""

    def __init__(self, answers: list[Exception | list[dict[str, Any]] | None], controls: list[Control | None]) -> None:
        self.answers, self.controls = answers, controls
        self.job_ids: list[str] = []
        self.silence: Exception | None = None
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.known: list[dict[str, Any]] = NOTHING
        self.look_ups = 0

    def run(self, _client: object, sql: str, values: dict[str, Any], job_id: str | None = None) -> list[dict[str, Any]]:
        """Look up what is known, or send the transaction."""
        if job_id is None:
            self.look_ups += 1
            return self.known
        self.sent.append((sql, values))
        self.job_ids.append(job_id)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer or []

    def read_control(self, _client: object, _settings: object) -> Control | None:
        """Look at the control row."""
        if self.silence:
            raise self.silence
        return self.controls.pop(0)


@pytest.fixture
def warehouse(monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    scripted = Warehouse([None], [AFTER])
    for module in (publishing, transactions):
        monkeypatch.setattr(module, "run", scripted.run)
    monkeypatch.setattr(publishing, "read_control", scripted.read_control)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    return scripted


def publisher(client: FakeClient | None = None, control: Control = CONTROL) -> Publisher:
    return Publisher(cast("Client", client or FakeClient()), SETTINGS, control)


def refused(batch: Batch, client: FakeClient | None = None, control: Control = CONTROL) -> Incident:
    with pytest.raises(Incident) as refusal:
        publisher(client, control).publish(batch)
    assert "\n" not in str(refusal.value)
    return refusal.value


@pytest.fixture
def refusing(warehouse: Warehouse) -> Warehouse:
    """A warehouse that refuses the transaction at first: it knows something of the batch."""
    warehouse.answers, warehouse.controls = [BadRequest("known already"), None], [CONTROL, AFTER]  # type: ignore[no-untyped-call]
    return warehouse


def test_a_batch_of_which_nothing_is_known_is_not_looked_up(warehouse: Warehouse) -> None:
    publisher().publish(BATCH)
    [(_, values)] = warehouse.sent
    assert warehouse.look_ups == 0
    assert (values["correction_count"], values["erasure_count"]) == (CONTROL.correction_count, CONTROL.erasure_count)


def test_a_batch_after_one_of_which_something_was_known_is_looked_up_first(refusing: Warehouse) -> None:
    refusing.known = [FOUND]
    stream = publisher()
    stream.publish(BATCH)
    for known, look_ups in (([FOUND], 2), (NOTHING, 3), (NOTHING, 3)):
        refusing.known, refusing.answers, refusing.controls = known, [None], [AFTER]
        stream.control = CONTROL
        stream.publish(BATCH)
        assert refusing.look_ups == look_ups


def test_a_payment_that_was_published_long_ago_is_counted_and_reported_as_a_duplicate(refusing: Warehouse) -> None:
    refusing.known = [FOUND, FOUND]
    report = publisher().publish(BATCH)
    assert (report.delivered, report.unique, report.duplicate) == (11, 1, 4)
    (assuming, _), (sql, values) = refusing.sent
    assert "RETRACTED_DUPLICATE" not in assuming
    assert "'RETRACTED_DUPLICATE' as kind" in sql
    assert (values["correction_count"], values["retracted"]) == (5, 2)
    [first, *others] = values["partitions"]
    assert (first["unique_count"], first["duplicate_count"], first["late_count"]) == (1, 2, 1)
    assert [(row["unique_count"], row["duplicate_count"]) for row in others] == [(0, 2), (0, 0)]
    money = {
        (row["disposition"], row["currency"]): (row["record_count"], row["amount_minor"]) for row in values["amounts"]
    }
    assert money["DUPLICATE", "EUR"] == (2, 2**63)
    assert money["UNIQUE", "EUR"] == (TALLY.amounts["UNIQUE", "EUR"][0] - 2, 0)


def test_an_id_that_was_erased_counts_as_a_duplicate_and_leaves_a_receipt(refusing: Warehouse) -> None:
    erased = FOUND | {"is_erased": True}
    refusing.known = [erased, erased | {"disposition": "LATE"}]
    report = publisher().publish(BATCH)
    assert (report.delivered, report.unique, report.duplicate, report.late, report.erased) == (11, 2, 3, 1, 2)
    _, (sql, values) = refusing.sent
    assert "RETRACTED_DUPLICATE" not in sql
    assert f"insert into `{table_id(SETTINGS, catalog.ERASURES)}`" in sql
    assert (values["retracted"], values["erasure_count"]) == (0, 2)


@pytest.mark.parametrize("controls", [[None], [CONTROL]])
def test_a_control_row_that_is_gone_stops_the_run(refusing: Warehouse, controls: list[Control | None]) -> None:
    refusing.known, refusing.controls = [], controls
    found = refused(BATCH)
    assert found.kind is IncidentKind.FENCED
    assert "row is gone" in str(found)
    assert len(refusing.sent) == 1


def test_a_batch_is_reported_as_the_warehouse_has_it(warehouse: Warehouse) -> None:
    client = FakeClient()
    report = publisher(client).publish(BATCH)
    assert (report.batch_id, report.spark_batch_id, report.epoch) == (8, 4, 3)
    assert (report.unique, report.duplicate, report.late, report.quarantined) == (3, 2, 1, 5)
    assert report.delivered == 11
    assert (report.start_offsets, report.end_offsets) == (INTERVAL.start, INTERVAL.end)
    assert report.watermark == CONTROL.watermark
    assert client.begun == [f"payments_load_{NAME}_0"]
    assert warehouse.job_ids == [f"payments_publish_staging_{NAME}_0"]
    assert client.deleted == [f"payments-local.payment_data.staging_{NAME}"]


def test_a_batch_that_does_not_follow_on_what_is_published_is_refused(warehouse: Warehouse) -> None:
    for start in ({0: 9, 1: 20, 2: 0}, {0: 11, 1: 20, 2: 0}, {0: 10, 1: 20, 2: 1}):
        with pytest.raises(CheckpointUnusable, match=re.escape(str(CONTROL.end_offsets))):
            publisher(FakeClient()).publish(replace(BATCH, interval=Interval(start, INTERVAL.end)))
    assert warehouse.job_ids == []


@pytest.mark.parametrize("count", [2, 4])
def test_more_or_fewer_records_than_offsets_are_a_gap(count: int, warehouse: Warehouse) -> None:
    counts = Counter(TALLY.partition_counts)
    counts[0, "UNIQUE"] = count
    found = refused(replace(BATCH, tally=replace(TALLY, partition_counts=counts)))
    assert found.kind is IncidentKind.OFFSET_GAP
    assert f"{{0: (4, {count + 1}, 0)}}" in str(found)
    assert found.ranges == {0: (INTERVAL.start[0], INTERVAL.end[0])}
    assert warehouse.job_ids == []


def test_offsets_that_are_known_to_hold_no_record_are_part_of_the_batch_and_of_its_ledger(
    warehouse: Warehouse,
) -> None:
    interval = Interval(INTERVAL.start, INTERVAL.end | {0: INTERVAL.end[0] + 2})
    warehouse.controls = [replace(AFTER, end_offsets=AFTER.end_offsets | interval.end)]
    batch = replace(BATCH, interval=interval, holes={0: 2})
    report = publisher().publish(batch)
    assert (report.delivered, report.holes) == (11, 2)
    [(_, values)] = warehouse.sent
    assert values["hole_count"] == 2
    assert [row["hole_count"] for row in values["partitions"]] == [2, 0, 0]


@pytest.mark.parametrize("holes", [{0: 1}, {0: 3}, {1: 2}, {}])
def test_holes_that_do_not_make_up_for_the_records_that_lack_are_refused(
    holes: dict[int, int], warehouse: Warehouse
) -> None:
    interval = Interval(INTERVAL.start, INTERVAL.end | {0: INTERVAL.end[0] + 2})
    assert refused(replace(BATCH, interval=interval, holes=holes)).kind is IncidentKind.OFFSET_GAP
    assert warehouse.job_ids == []


def test_records_of_a_partition_outside_the_interval_are_refused(warehouse: Warehouse) -> None:
    counts = TALLY.partition_counts | Counter({(9, "UNIQUE"): 1})
    assert refused(replace(BATCH, tally=replace(TALLY, partition_counts=counts))).kind is IncidentKind.OFFSET_GAP
    assert warehouse.job_ids == []


@pytest.mark.parametrize(
    "watermarks",
    [{None}, {NOON_US}, {NOON_US - 3_600_000_000, None}, {NOON_US - 3_600_000_001}, set()],
    ids=["none", "another", "two", "a microsecond off", "no bucket"],
)
def test_lateness_judged_by_another_watermark_is_refused(watermarks: set[int | None], warehouse: Warehouse) -> None:
    with pytest.raises(CheckpointUnusable, match="judged lateness"):
        publisher(FakeClient()).publish(replace(BATCH, tally=replace(TALLY, watermarks=frozenset(watermarks))))
    assert warehouse.job_ids == []


def test_the_first_batch_ever_has_no_watermark(warehouse: Warehouse) -> None:
    warehouse.controls = [replace(AFTER, watermark=None)]
    tally = replace(TALLY, watermarks=frozenset({None}))
    report = publisher(control=replace(CONTROL, watermark=None)).publish(replace(BATCH, tally=tally))
    assert report.watermark is None


@pytest.mark.parametrize(
    ("ends", "is_published"),
    [({0: 14, 1: 22, 2: 5}, True), ({0: 14, 1: 22, 2: 5, 3: 9}, True), ({0: 14, 1: 22}, False), ({0: 10}, False)],
)
def test_a_batch_is_published_if_all_its_ends_are(ends: dict[int, int], is_published: bool) -> None:
    assert publisher(control=replace(CONTROL, end_offsets=ends)).is_published(INTERVAL) is is_published


def test_a_load_job_whose_answer_was_lost_is_found_again(warehouse: Warehouse) -> None:
    client = FakeClient(taken={f"payments_load_{NAME}_0": FakeJob()})
    publisher(client).publish(BATCH)
    assert (client.begun, client.looked_up) == ([], [f"payments_load_{NAME}_0"])
    assert warehouse.job_ids


def test_a_failed_load_job_is_begun_again_under_another_id(warehouse: Warehouse) -> None:
    client = FakeClient(failures=[FAILED, FAILED])
    publisher(client).publish(BATCH)
    assert client.begun == [f"payments_load_{NAME}_{number}" for number in range(3)]
    assert warehouse.job_ids


def test_a_run_of_the_same_epoch_takes_over_no_job_of_before_the_dataset_was_set_back(warehouse: Warehouse) -> None:
    """It would take the answer of that job for its own batch's, which is not in the dataset any more."""
    before = replace(CONTROL, holder="run before")
    done = {f"payments_load_g1_4_{run_key(before)}_0": FakeJob()}
    client = FakeClient(taken=done)
    publisher(client).publish(BATCH)
    assert (client.begun, client.looked_up) == ([f"payments_load_{NAME}_0"], [])
    assert run_key(before) not in warehouse.job_ids[0]


def test_failed_load_jobs_of_earlier_runs_take_no_attempt(warehouse: Warehouse) -> None:
    burnt = {f"payments_load_g1_4_2_{number}": FakeJob(FAILED) for number in range(7)}
    client = FakeClient(taken=burnt)
    publisher(client).publish(BATCH)
    assert client.begun == [f"payments_load_{NAME}_0"]
    assert warehouse.job_ids


def test_a_load_that_goes_on_failing_stops_the_run(warehouse: Warehouse) -> None:
    client = FakeClient(failures=[FAILED] * 10)
    found = refused(BATCH, client)
    assert found.kind is IncidentKind.LOAD_FAILED
    assert "Bad file" in str(found)
    assert len(client.begun) == MAX_ATTEMPTS
    assert warehouse.job_ids == []


def test_a_load_that_fails_in_several_lines_is_told_in_one(warehouse: Warehouse) -> None:
    client = FakeClient(failures=[BadRequest("Bad file\nrow 3")] * 10)  # type: ignore[no-untyped-call]
    assert refused(BATCH, client).kind is IncidentKind.LOAD_FAILED
    assert warehouse.job_ids == []


def row_of(control: Control) -> dict[str, Any]:
    return asdict(control) | {"end_offsets": offsets_to_json(control.end_offsets)}


def test_a_commit_that_answers_with_the_batch_is_not_looked_up(warehouse: Warehouse) -> None:
    warehouse.answers, warehouse.silence = [[row_of(AFTER)]], ConnectionError("nobody asks")
    assert publisher().publish(BATCH).batch_id == AFTER.last_batch_id


def test_a_commit_that_answers_with_another_epoch_is_looked_up(warehouse: Warehouse) -> None:
    overtaken = replace(AFTER, epoch=AFTER.epoch + 1)
    warehouse.answers, warehouse.controls = [[row_of(overtaken)]], [overtaken]
    assert refused(BATCH).kind is IncidentKind.FENCED


@pytest.mark.parametrize("after", [[CONTROL, AFTER], [AFTER]])
def test_a_commit_that_answers_with_other_offsets_is_looked_up(after: list[Control], warehouse: Warehouse) -> None:
    warehouse.answers, warehouse.controls = [[row_of(CONTROL)]] * len(after), [*after]
    publisher().publish(BATCH)
    assert len(warehouse.job_ids) == len(after)
    assert warehouse.controls == []


def test_a_commit_whose_answer_was_lost_is_read_back_and_not_repeated(warehouse: Warehouse) -> None:
    warehouse.answers, warehouse.controls = [UNAVAILABLE], [AFTER]
    publisher().publish(BATCH)
    assert len(warehouse.job_ids) == 1


@pytest.mark.parametrize("failure", [UNAVAILABLE, ConnectionError("reset"), TimeoutError("slow")])
def test_a_commit_that_did_not_happen_is_repeated_under_a_new_id(failure: Exception, warehouse: Warehouse) -> None:
    warehouse.answers, warehouse.controls = [failure, None], [CONTROL, AFTER]
    publisher().publish(BATCH)
    assert warehouse.job_ids == [f"payments_publish_staging_{NAME}_0", f"payments_publish_staging_{NAME}_1"]


def test_a_transaction_that_still_runs_is_waited_for_before_another_is_begun(warehouse: Warehouse) -> None:
    slow = FakeJob(looks=3)
    warehouse.answers, warehouse.controls = [UNAVAILABLE, None], [CONTROL, AFTER]
    publisher(FakeClient(taken={f"payments_publish_staging_{NAME}_0": slow})).publish(BATCH)
    assert slow.looks == -1
    assert len(warehouse.job_ids) == 2


def test_a_transaction_that_never_ends_is_neither_repeated_nor_taken_for_anything(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "JOB_SECONDS", 0.0)
    warehouse.answers = [UNAVAILABLE]
    client = FakeClient(taken={f"payments_publish_staging_{NAME}_0": FakeJob(looks=10**9)})
    with pytest.raises(Incident, match=r"WAREHOUSE_FAILED.*still runs"):
        publisher(client).publish(BATCH)
    assert len(warehouse.job_ids) == 1
    assert len(warehouse.controls) == 1


def test_a_look_at_the_outcome_that_fails_is_not_taken_for_a_batch_unpublished(warehouse: Warehouse) -> None:
    warehouse.answers, warehouse.controls = [UNAVAILABLE], []
    warehouse.silence = ConnectionError("reset")
    with pytest.raises(Incident, match=r"WAREHOUSE_FAILED.*reset"):
        publisher().publish(BATCH)
    assert len(warehouse.job_ids) == 1


def test_a_quota_that_is_used_up_is_named(warehouse: Warehouse) -> None:
    error = Forbidden("Quota exceeded", errors=[{"reason": "quotaExceeded"}])  # type: ignore[no-untyped-call]
    found = refused(BATCH, FakeClient(failures=[error] * 9))
    assert found.kind is IncidentKind.QUOTA_EXCEEDED
    assert warehouse.job_ids == []


def test_a_staging_table_that_cannot_be_dropped_does_not_unpublish_the_batch(warehouse: Warehouse) -> None:
    class Stubborn(FakeClient):
        def delete_table(self, *_table: Any, **_options: Any) -> None:
            raise UNAVAILABLE

    assert publisher(Stubborn()).publish(BATCH).batch_id == AFTER.last_batch_id
    assert warehouse.job_ids


def test_a_commit_that_goes_on_failing_stops_the_run(warehouse: Warehouse) -> None:
    warehouse.answers, warehouse.controls = [UNAVAILABLE] * 9, [CONTROL] * 9
    found = refused(BATCH)
    assert found.kind is IncidentKind.LOAD_FAILED
    assert len(warehouse.job_ids) == MAX_ATTEMPTS


@pytest.mark.parametrize("now", [None, replace(AFTER, epoch=4), replace(CONTROL, epoch=4)])
def test_a_run_whose_epoch_was_raised_leaves(now: Control | None, warehouse: Warehouse) -> None:
    warehouse.answers, warehouse.controls = [FAILED], [now]
    assert refused(BATCH).kind is IncidentKind.FENCED
    assert len(warehouse.job_ids) == 1


def test_a_latency_is_told_how_long_the_transaction_takes_since_its_clock_stands_still(warehouse: Warehouse) -> None:
    row = asdict(replace(AFTER, updated_at=CONTROL.updated_at)) | {"end_offsets": offsets_to_json(AFTER.end_offsets)}
    warehouse.answers = [[row | {"answered_at": CONTROL.updated_at + timedelta(seconds=11)}], None]
    warehouse.controls = [AFTER]
    stream = publisher()
    stream.publish(BATCH)
    stream.control = CONTROL
    stream.publish(BATCH)
    assert [values["transaction_seconds"] for _, values in warehouse.sent] == [0.0, 11.0]
    sql, _ = warehouse.sent[1]
    for percentile in ("p50", "p05"):
        assert f"@{percentile}_kafka_timestamp, microsecond) / 1e6 + @transaction_seconds" in sql


def test_a_batch_of_many_days_is_published_in_one_transaction_of_several_inserts(warehouse: Warehouse) -> None:
    publisher().publish(replace(BATCH, tally=replace(TALLY, payment_days=tuple(range(11_700)))))
    [(sql, _)] = warehouse.sent
    assert sql.count("set inserted = inserted + @@row_count;") == 3
