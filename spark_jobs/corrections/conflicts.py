"""Conflicts: one id, more than one payload, or more than one payment. Listed with the money at stake until decided.

Belongs here: finding them, and what a decision comes to. Does not belong here: writing it down (decisions).

An id is published twice where its retry came later than the look-back reaches, with a new time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from spark_jobs.corrections.decisions import Decision, Plan, decide
from spark_jobs.corrections.kept_records import payments_of
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.correction_kinds import Correction
from spark_jobs.tables.names import sql_names, table_id
from spark_jobs.tables.row_types import Row, TopicPlace
from spark_jobs.warehouse.client import run

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


FIRST = "first"


class NoSuchChoice(ValueError):
    """What was asked for cannot be chosen. The message is one line that says why."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """One id's valid deliveries in order of the log, and which of them are in payment_transactions.

    None is where it came late, and more than one where it was published again.
    """

    transaction_id: str
    deliveries: tuple[Row, ...]
    published: tuple[TopicPlace, ...]
    decided_through_batch: int

    @property
    def is_decided(self) -> bool:
        """Whether one payment counts at most, and a decision was made that knew every payload."""
        if len(self.published) > 1:
            return False
        first: dict[bytes, int] = {}
        for row in self.deliveries:
            known = first.get(row["payload_hash"], row["batch_id"])
            first[row["payload_hash"]] = min(known, row["batch_id"])
        return max(first.values()) <= self.decided_through_batch

    def exposure(self) -> dict[str, int]:
        """The money at stake by currency, in minor units: the most less the least that a payload says.

        A currency that not every payload has is at stake whole. Where several are published, what they come to beyond
        the least of them is at stake.
        """
        if len(self.published) > 1:
            return self._published_too_much()
        payloads = {row["payload_hash"]: (row["currency"], row["amount_minor"]) for row in self.deliveries}
        stakes: dict[str, int] = {}
        for currency in sorted({currency for currency, _ in payloads.values()}):
            amounts = [minor if c == currency else 0 for c, minor in payloads.values()]
            stakes[currency] = max(amounts) - min(amounts)
        return stakes

    def _published_too_much(self) -> dict[str, int]:
        counted: dict[str, list[int]] = {}
        for row in self.deliveries:
            if _place(row) in self.published:
                counted.setdefault(row["currency"], []).append(row["amount_minor"])
        return {c: sum(found) - (min(found) if len(counted) == 1 else 0) for c, found in sorted(counted.items())}


def conflicts(client: "Client", settings: JobSettings, transaction_id: str | None = None) -> list[Conflict]:
    """Every conflict, decided or not, or that of one id."""
    name = sql_names(settings)
    one = "" if transaction_id is None else "and transaction_id = @transaction_id"
    sql = f"""
        with disputed as (
            select transaction_id from (
                select transaction_id, any_value(payload_hash having max batch_id) as payload_hash
                from {name[catalog.DELIVERIES.name]}
                where disposition not in ('QUARANTINED', 'IGNORED', 'ERASED') {one}
                group by transaction_id, value_sha256
            )
            group by transaction_id having count(distinct payload_hash) > 1
            union distinct
            select transaction_id from {name[catalog.TRANSACTIONS.name]}
            where true {one}
            group by transaction_id having count(*) > 1
        ),
        published as (
            select transaction_id, array_agg(struct(
                topic as topic, kafka_partition as kafka_partition, kafka_offset as kafka_offset)) as places
            from {name[catalog.TRANSACTIONS.name]}
            where transaction_id in (select transaction_id from disputed)
            group by transaction_id
        ),
        decided as (
            select transaction_id, max(last_batch_id) as last_batch_id from {name[catalog.CORRECTIONS.name]}
            where kind in ('{Correction.CONFLICT_KEPT}', '{Correction.CONFLICT_CHOSEN}')
            group by transaction_id
        )
        select d.*, p.places as published_places, coalesce(c.last_batch_id, 0) as decided_through_batch
        from {name[catalog.DELIVERIES.name]} as d
        inner join disputed on d.transaction_id = disputed.transaction_id
        left join published as p on d.transaction_id = p.transaction_id
        left join decided as c on d.transaction_id = c.transaction_id
        where d.disposition not in ('QUARANTINED', 'IGNORED', 'ERASED')
        order by d.transaction_id, d.kafka_timestamp, d.kafka_partition, d.kafka_offset
        """
    rows = run(client, sql, {} if transaction_id is None else {"transaction_id": transaction_id})
    by_id: dict[str, list[Row]] = {}
    for row in rows:
        by_id.setdefault(row["transaction_id"], []).append(row)
    return [
        Conflict(
            name_,
            tuple(by_newest_hash(group)),
            tuple(sorted(_place(place) for place in group[0]["published_places"] or ())),
            group[0]["decided_through_batch"],
        )
        for name_, group in by_id.items()
    ]


def by_newest_hash(rows: Sequence[Row]) -> list[Row]:
    """The same bytes are the same payload: all deliveries of them go by the hash that the newest one was given.

    An earlier contract made the hash of more than the contract's fields.
    """
    newest: dict[bytes, Row] = {}
    for row in rows:
        held = newest.setdefault(row["value_sha256"], row)
        if row["batch_id"] > held["batch_id"]:
            newest[row["value_sha256"]] = row
    return [row | {"payload_hash": newest[row["value_sha256"]]["payload_hash"]} for row in rows]


def choose(conflict: Conflict, keep: str) -> Row:
    """The delivery that `keep` names: `first` (the one that the stream published), or topic/partition/offset.

    Raises:
        NoSuchChoice: there is none.
    """
    if not conflict.published:
        raise NoSuchChoice(
            f"{conflict.transaction_id} is not published: it came late, so admit it first by `payments replay --late`."
        )
    if keep == FIRST:
        unique = [row for row in conflict.deliveries if row["disposition"] == "UNIQUE"]
        return next(iter(unique), next(row for row in conflict.deliveries if _place(row) in conflict.published))
    for row in conflict.deliveries:
        if keep in ("/".join(map(str, _place(row))), "/".join(map(str, _place(row)[1:]))):
            return row
    raise NoSuchChoice(f"{keep} is no delivery of {conflict.transaction_id}: `payments resolve` lists them.")


def plan_resolution(client: "Client", settings: JobSettings, transaction_id: str, keep: str) -> Plan:
    """What a decision of a conflict comes to; nothing where it is decided so already.

    Raises:
        NoSuchChoice: the id is in no conflict, or has no such delivery.
    """
    found = conflicts(client, settings, transaction_id)
    if not found:
        raise NoSuchChoice(f"{transaction_id} is in no conflict: `payments resolve` lists those that are.")
    [conflict] = found
    chosen = choose(conflict, keep)
    published = _published(client, settings, transaction_id)
    kept = published.pop(_place(chosen), None)
    if kept is not None and conflict.is_decided:
        return Plan()
    return Plan(
        [
            *(Decision(Correction.CONFLICT_REPLACED, payment) for payment in published.values()),
            Decision(Correction.CONFLICT_CHOSEN, _payment_of(client, settings, chosen))
            if kept is None
            else Decision(Correction.CONFLICT_KEPT, kept),
        ]
    )


def resolve(
    client: "Client", settings: JobSettings, transaction_id: str, keep: str, *, decided_by: str, reason: str
) -> Sequence[Decision]:
    """Decide a conflict, in one transaction; nothing where it is decided so already.

    Raises:
        NoSuchChoice: the id is in no conflict, or has no such delivery.
        Incident: the warehouse refused.
    """
    plan = partial(plan_resolution, client, settings, transaction_id, keep)
    return decide(client, settings, plan, decided_by=decided_by, reason=reason).decisions


def _published(client: "Client", settings: JobSettings, transaction_id: str) -> dict[TopicPlace, Row]:
    sql = f"select * from `{table_id(settings, catalog.TRANSACTIONS)}` where transaction_id = @transaction_id"
    return {_place(row): row for row in run(client, sql, {"transaction_id": transaction_id})}


def _payment_of(client: "Client", settings: JobSettings, delivery: Row) -> Row:
    """What a delivery says: by its raw value, or, where it has none, by the correction that kept its columns."""
    if delivery["raw_value"] is not None:
        payments = payments_of(client, settings, [delivery])
        if not payments:
            raise NoSuchChoice("the rules of now no longer take that delivery, so it cannot be chosen.")
        return payments[0]
    sql = f"""
        select * from `{table_id(settings, catalog.CORRECTIONS)}`
        where topic = @topic and kafka_partition = @kafka_partition and kafka_offset = @kafka_offset
        order by correction_id desc limit 1
        """
    names = ("topic", "kafka_partition", "kafka_offset")
    rows = run(client, sql, {name: delivery[name] for name in names})
    if not rows:
        raise NoSuchChoice("what that delivery says has expired (PAYMENTS_KEEP_RAW_DAYS), so it cannot be chosen.")
    return rows[0]


def _place(row: Row) -> TopicPlace:
    return row["topic"], row["kafka_partition"], row["kafka_offset"]
