"""Transactions that are open on the topic: what is written behind the first of them cannot be read yet.

Belongs here: who holds one open, and since when, as far as the broker tells. Does not belong here: the offsets (topic).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kafka import KafkaAdminClient


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """One partition's oldest open transaction. `waiting` are offsets from its first to the partition's end.

    `producer_id`, `transactional_id` and `since` are None where the broker does not tell.
    """

    partition: int
    first_offset: int
    waiting: int
    producer_id: int | None = None
    transactional_id: str | None = None
    since: datetime | None = None

    def describe(self, now: datetime) -> str:
        """One line, with its age and what waits for it."""
        who = f"producer {self.producer_id}" if self.producer_id is not None else "an unknown producer"
        name = f" ({self.transactional_id})" if self.transactional_id else ""
        age = f", open for {_rounded(now - self.since)}" if self.since else ""
        return (
            f"partition {self.partition}: a transaction of {who}{name} is open from offset {self.first_offset} on"
            f"{age}; {self.waiting} offsets wait until it is committed or aborted."
        )


def open_transactions(
    admin: "KafkaAdminClient", topic: str, held: Mapping[int, tuple[int, int]]
) -> list[OpenTransaction]:
    """By partition, the oldest transaction of those that hold records back.

    Args:
        admin: a client.
        topic: the topic.
        held: by partition, the offset up to which it can be read, and its end.

    Raises:
        KafkaError: the broker did not answer.
    """
    from kafka import TopicPartition
    from kafka.errors import KafkaError

    at = {partition: TopicPartition(topic, partition) for partition in held}
    try:
        described = admin.describe_producers(list(at.values()))
    except KafkaError:
        # It takes a right of its own, and a broker of 2.8 or later.
        return [OpenTransaction(p, first, end - first) for p, (first, end) in held.items()]
    found = []
    for partition, (offset, end) in held.items():
        open_ = [p for p in described[at[partition]].active_producers if p.current_transaction_start_offset >= 0]
        if not open_:
            # It was ended between the two looks.
            continue
        first = min(open_, key=lambda producer: producer.current_transaction_start_offset)
        name, since = _begun(admin, first.producer_id)
        since = since or _moment(first.last_timestamp)
        found.append(OpenTransaction(partition, offset, end - offset, first.producer_id, name, since))
    return found


def _begun(admin: "KafkaAdminClient", producer_id: int) -> tuple[str | None, datetime | None]:
    """The transaction's name and when it began: its coordinator's word, which takes rights that few have."""
    from kafka.errors import KafkaError

    try:
        listed = admin.list_transactions(producer_id_filters=[producer_id])
        names = [each.transactional_id for listing in listed.values() for each in listing]
        if not names:
            return None, None
        return names[0], _moment(admin.describe_transactions(names[:1])[names[0]].transaction_start_time_ms)
    except KafkaError:
        return None, None


def _moment(milliseconds: int) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds > 0 else None


def _rounded(age: timedelta) -> str:
    return str(timedelta(seconds=max(0, round(age.total_seconds()))))
