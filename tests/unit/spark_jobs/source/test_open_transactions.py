"""An open transaction in words, with what the broker tells of it and without."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from kafka import TopicPartition
from kafka.errors import TopicAuthorizationFailedError, TransactionalIdAuthorizationFailedError

from spark_jobs.source.open_transactions import OpenTransaction, open_transactions

BEGUN = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


class Admin:
    """A broker that tells what it is made with, and refuses the rest."""

    def __init__(self, producers: list[Any] | None = None, name: str | None = None) -> None:
        self._producers, self._name = producers, name

    def describe_producers(self, partitions: list[TopicPartition]) -> dict[TopicPartition, Any]:
        if self._producers is None:
            raise TopicAuthorizationFailedError
        return {at: SimpleNamespace(active_producers=self._producers) for at in partitions}

    def list_transactions(self, producer_id_filters: list[int]) -> dict[int, list[Any]]:
        if self._name is None:
            raise TransactionalIdAuthorizationFailedError
        return {0: [SimpleNamespace(transactional_id=self._name)] if producer_id_filters == [9] else []}

    def describe_transactions(self, names: list[str]) -> dict[str, Any]:
        return {name: SimpleNamespace(transaction_start_time_ms=BEGUN.timestamp() * 1000) for name in names}


def producer(id_: int, start: int, last: datetime = BEGUN) -> Any:
    milliseconds = round(last.timestamp() * 1000)
    return SimpleNamespace(producer_id=id_, current_transaction_start_offset=start, last_timestamp=milliseconds)


def found(admin: Admin) -> list[OpenTransaction]:
    return open_transactions(admin, "payments", {2: (40, 45)})


def test_the_oldest_of_the_open_transactions_is_told_with_its_name_and_age() -> None:
    [given] = found(Admin([producer(8, -1), producer(10, 43), producer(9, 40)], "settlement-3"))
    assert given == OpenTransaction(2, 40, 5, 9, "settlement-3", BEGUN)
    assert given.describe(BEGUN + timedelta(minutes=90)) == (
        "partition 2: a transaction of producer 9 (settlement-3) is open from offset 40 on, open for 1:30:00; "
        "5 offsets wait until it is committed or aborted."
    )


def test_without_the_right_to_ask_the_coordinator_the_producers_last_record_says_how_old_it_is() -> None:
    assert found(Admin([producer(9, 40)])) == [OpenTransaction(2, 40, 5, 9, None, BEGUN)]


def test_without_any_right_the_offsets_are_told() -> None:
    [given] = found(Admin())
    assert given == OpenTransaction(2, 40, 5)
    assert "an unknown producer is open from offset 40 on; 5 offsets wait" in given.describe(BEGUN)


def test_one_that_has_just_ended_is_not_told() -> None:
    assert found(Admin([producer(9, -1)])) == []
