"""The questions about whole batches: the product's own load job and transaction, over records made up here.

Belongs here: making a batch, publishing it as a run does, what it took and was billed. Does not belong here: single
statements (statements). Money is made up, and its sums are known before the warehouse is asked.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from orchestration.certify.findings import Broken
from orchestration.certify.ground import Ground
from orchestration.certify.statements import Question, need

if TYPE_CHECKING:
    from spark_jobs.publishing.batch import Batch
    from spark_jobs.publishing.batch_report import BatchReport
    from spark_jobs.publishing.control import Control
    from spark_jobs.sinks.bigquery.publisher import Publisher

RECORDS = 2_000
TIMED_BATCHES = 5
MANY_DAYS = 4_100
MEBIBYTE = 2**20
LEAST_BYTES = 10 * MEBIBYTE
"""What BigQuery bills for a table that a statement reads, at least."""


@dataclass
class Batches:
    """Batches in one dataset, each following on the one before."""

    ground: Ground
    reports: list["BatchReport"] = field(default_factory=list)
    """Of batches that are alike, for their times."""

    def questions(self) -> Mapping[str, Question]:
        """In the order in which they follow on each other."""
        return {
            "batches are published by one load job and one transaction each": self._published,
            "a batch that comes twice is counted once": self._twice,
            "a run that was overtaken publishes nothing": self._overtaken,
            "more days than one statement may write are one transaction": self._many_days,
            "a transaction without ASSERT publishes a batch": self._without_assert,
            "bytes billed are the meter's": self._billed,
        }

    def _begin(self) -> "Publisher":
        from spark_jobs.publishing.control import Control
        from spark_jobs.reading.contracts import contract_of_now
        from spark_jobs.sinks.bigquery.publisher import Publisher
        from spark_jobs.sinks.bigquery.store import WarehouseStore

        settings, now = self.ground.settings, datetime.now(UTC)
        store = WarehouseStore(self.ground.client, settings)
        store.prepare(contract_of_now())
        first = Control(settings.pipeline, settings.topic, "certify", 0, "", "gcertify", 0, {}, None, now)
        control = store.raise_epoch(f"certify{now:%H%M%S%f}", first)
        return Publisher(self.ground.client, settings, control)

    def _published(self, _ground: Ground) -> str:
        publisher = self._begin()
        for number in range(TIMED_BATCHES):
            self.reports.append(publisher.publish(self._batch(publisher.control, number)))
        return self._added_up(publisher.control, TIMED_BATCHES * RECORDS)

    def _twice(self, _ground: Ground) -> str:
        from spark_jobs.incidents import CheckpointUnusable

        publisher = self._begin()
        batch = self._batch(publisher.control, 50)
        publisher.publish(batch)
        need(publisher.is_published(batch.interval), "a published batch is not known to be published")
        try:
            publisher.publish(batch)
        except CheckpointUnusable:
            return self._added_up(publisher.control, publisher.control.end_offsets[0])
        raise Broken("a batch was published twice")

    def _overtaken(self, _ground: Ground) -> str:
        from spark_jobs.incidents import Incident, IncidentKind

        older, before = self._begin(), self._counted()
        newer = self._begin()
        try:
            older.publish(self._batch(older.control, 60))
        except Incident as incident:
            need(incident.kind is IncidentKind.FENCED, f"an overtaken run was stopped by {incident}")
            need(self._counted() == before, "an overtaken run left rows")
            newer.publish(self._batch(newer.control, 61))
            return self._added_up(newer.control, newer.control.end_offsets[0])
        raise Broken("an overtaken run published a batch")

    def _many_days(self, _ground: Ground) -> str:
        from spark_jobs.sinks.bigquery.day_spans import spans_of

        publisher = self._begin()
        batch = self._batch(publisher.control, 70, days=MANY_DAYS)
        parts = len(spans_of(batch).event_times)
        need(parts > 1, f"{MANY_DAYS} days were not cut")
        report = publisher.publish(batch)
        need(report.unique == MANY_DAYS, f"{report.unique} of {MANY_DAYS} payments were published")
        self._added_up(publisher.control, publisher.control.end_offsets[0])
        return f"{MANY_DAYS} days by {parts} inserts in {report.transaction_seconds:.1f} s"

    def _without_assert(self, _ground: Ground) -> str:
        from spark_jobs.sinks.bigquery.already_published import FoundInWarehouse
        from spark_jobs.sinks.bigquery.publish_sql import parameters, publish_sql
        from spark_jobs.sinks.bigquery.publisher import load_config
        from spark_jobs.tables.names import staging_id
        from spark_jobs.warehouse.transactions import without_assert

        publisher = self._begin()
        control = publisher.control
        batch, known = self._batch(control, 80), FoundInWarehouse()
        staging = staging_id(self.ground.settings, "certify")
        config = load_config()
        self.ground.client.load_table_from_uri(list(batch.tally.uris), staging, job_config=config).result()
        sql = without_assert(publish_sql(self.ground.settings, staging, known))
        right = parameters(self.ground.settings, batch, control, 0.0, known)
        before = self._counted()
        for wrong in ({"delivered": RECORDS + 1}, {"unique_count": 1}, {"epoch": control.epoch - 1}):
            need(self.ground.refusal(sql, **right | wrong), f"with {wrong} it was committed")
        need(self._counted() == before, "what was refused left rows")
        self.ground.run(sql, **right)
        return self._added_up(None, control.end_offsets[0] + RECORDS)

    def _billed(self, ground: Ground) -> str:
        statements = billed_statements(ground)
        need(statements, "no statements of a batch's transaction are listed")
        beyond = [f"{s.kind} {s.billed} for {s.expected}" for s in statements if s.billed > s.expected]
        need(not beyond, f"more was billed than the meter's rules say: {'; '.join(beyond)}")
        total, rule = sum(s.billed for s in statements), sum(s.expected for s in statements)
        return f"{len(statements)} statements of the last batch: {total} bytes billed, {rule} by the meter's rules"

    def _counted(self) -> tuple[int, ...]:
        return tuple(self.ground.count(name) for name in ("payment_deliveries", "payment_transactions", "batch_ledger"))

    def _added_up(self, control: "Control | None", records: int) -> str:
        """Deliveries, payments, ledger and control row agree, by count and by amount."""
        name = self.ground.name
        [row] = self.ground.run(
            f"""
            select (select count(*) from {name("payment_deliveries")}) as deliveries,
                (select count(*) from {name("payment_transactions")}) as payments,
                (select count(distinct transaction_id) from {name("payment_transactions")}) as ids,
                (select sum(amount_minor) from {name("payment_transactions")}) as minor,
                (select sum(amount_minor) from {name("batch_ledger_amounts")}) as ledger_minor,
                (select sum(delivered) from {name("batch_ledger")}) as ledger
            """
        )
        counts = {int(row[key]) for key in ("deliveries", "payments", "ids", "ledger")}
        need(counts == {records}, f"{records} records were published, and the tables say {row}")
        need(int(row["minor"]) == int(row["ledger_minor"]), f"amounts do not agree: {row}")
        if control:
            need(control.end_offsets == {0: records}, f"the control row says {control.end_offsets}")
        return f"{records} records: deliveries, payments, ledger and amounts agree"

    def _batch(self, control: "Control", number: int, days: int = 0) -> "Batch":
        """The next offsets of one partition; each record is a payment of its own, `days` of them a day apart."""
        from spark_jobs.contract.times import to_microseconds
        from spark_jobs.publishing.batch import Batch, Interval
        from spark_jobs.streaming import staged_files
        from spark_jobs.streaming.tally import BucketTally, add_up, count_up, ends_of, log_days_of, payment_days_of

        started, first = datetime.now(UTC), control.end_offsets.get(0, 0)
        count = days or RECORDS
        rows = [_row(number, first + at, started, days and at) for at in range(count)]
        staged = staged_files.to_staged(rows)
        partitions, amounts, percentiles = count_up(staged)
        watermark = to_microseconds(control.watermark)
        newest = max(to_microseconds(started) or 0, (watermark or 0) + self.ground.settings.watermark_microseconds)
        uri = staged_files.write(staged, self.ground.settings.staging_location)
        tally = add_up(
            [
                BucketTally(
                    0, uri, count, partitions, amounts, percentiles, watermark, newest, count, count,
                    ends=ends_of(staged), log_days=log_days_of(staged), payment_days=payment_days_of(staged),
                )
            ]
        )  # fmt: skip
        return Batch(number, Interval({0: first}, {0: first + count}), tally, started, 0.0)


def _row(number: int, offset: int, now: datetime, days_ago: int) -> dict[str, Any]:
    identity = f"certify-{number}-{offset}"
    minor = 1 + offset % 9_999
    return {
        "kafka_partition": 0,
        "kafka_offset": offset,
        "kafka_timestamp": now,
        "disposition": "UNIQUE",
        "reasons": [],
        "transaction_id": identity,
        "event_time": now - timedelta(days=days_ago),
        "sender_account_id": f"certify-sender-{offset % 97}",
        "receiver_account_id": f"certify-receiver-{offset % 89}",
        "amount": Decimal(minor) / 100,
        "currency": "EUR",
        "amount_minor": minor,
        "payload_hash": hashlib.md5(identity.encode(), usedforsecurity=False).digest(),
        "value_sha256": hashlib.sha256(identity.encode()).digest(),
    }


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of a script, as BigQuery lists it."""

    kind: str
    billed: int
    expected: int


def billed_statements(ground: Ground) -> Sequence[Statement]:
    """Of the newest transaction that published a batch, with what the meter's rules say of each."""
    scripts = [
        job
        for job in ground.client.list_jobs(max_results=200)
        if str(job.job_id).startswith(f"{ground.settings.pipeline}_publish_")
    ]
    if not scripts:
        return ()
    return [_statement(job) for job in ground.client.list_jobs(parent_job=scripts[0].job_id)]


def _statement(job: Any) -> Statement:
    """Each table counts as 10 MiB at least, and bytes are rounded up to a MiB."""
    processed = int(job.total_bytes_processed or 0)
    tables = len(job.referenced_tables or ())
    rounded = -(-processed // MEBIBYTE) * MEBIBYTE
    return Statement(str(job.statement_type), int(job.total_bytes_billed or 0), max(rounded, tables * LEAST_BYTES))
