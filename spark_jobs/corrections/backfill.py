"""Backfill: a range of the topic recomputed beside the live data, compared with it, and swapped in on request.

Belongs here: recomputing, the diff, and what of it may be swapped. Does not belong here: reading Kafka
(source), writing corrections (decisions). docs/adr/0012 says what a backfill may change, and why.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from spark_jobs.corrections.batch_mappings import Read, reader_of
from spark_jobs.corrections.decisions import Decision, Plan, decide
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.settings import JobSettings
from spark_jobs.source.ranges import Range, read_ranges
from spark_jobs.tables import catalog
from spark_jobs.tables.correction_kinds import Correction
from spark_jobs.tables.names import STAGING_PREFIX, full_name, table_id
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.retries import bounds, failures, wait_for

if TYPE_CHECKING:
    import pyarrow as pa
    from google.cloud.bigquery import Client

MAX_CHANGES = 100_000
"""Payments that one backfill may swap: they are one transaction."""

KEPT = ("topic", "kafka_partition", "kafka_offset", "kafka_timestamp", "batch_id", "value_sha256")
IDENTITY = ("transaction_id", "event_time")
"""They decided what the record became: a backfill that reads them otherwise is shown, and swaps nothing of it."""

RECOMPUTED = tuple(column.name for column in catalog.TRANSACTIONS.columns if column.name not in KEPT)
_NOT_STAGED = ("raw_key", "raw_value", "id_hash", "reasons", "is_ignored", "headers")


class NoLongerThere(ValueError):
    """What is to be swapped in cannot be read any more. The message is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Records of one outcome, disposition and currency; amounts are minor units, 0 where there is no payment."""

    outcome: str
    disposition: str
    currency: str
    records: int
    amount_minor: int
    recomputed_minor: int


def range_of_day(client: "Client", settings: JobSettings, day: date) -> dict[int, Range]:
    """The published offsets whose records were written to the log on that day (UTC), by partition."""
    sql = f"""
        select kafka_partition, min(kafka_offset) as first, max(kafka_offset) + 1 as after
        from `{table_id(settings, catalog.DELIVERIES)}`
        where topic = @topic and date(kafka_timestamp) = cast(@day as date)
        group by kafka_partition
        """
    rows = run(client, sql, {"topic": settings.topic, "day": day.isoformat()})
    return {row["kafka_partition"]: (row["first"], row["after"]) for row in rows}


class Recomputed:
    """Records read again by the contract of now, beside the live data."""

    def __init__(
        self,
        client: "Client",
        settings: JobSettings,
        ranges: Mapping[int, Range],
        uris: list[str],
        table: str | None = None,
    ) -> None:
        self._client, self._settings, self._uris, self._ranges = client, settings, uris, ranges
        self._name = table or f"{STAGING_PREFIX}backfill_{uuid.uuid4().hex}"
        self._table = full_name(settings, self._name)
        self._values = {
            "topic": settings.topic,
            "ranges": [
                {"kafka_partition": at, "first_offset": first, "end_offset": after}
                for at, (first, after) in sorted(ranges.items())
            ],
        }

    def arguments(self) -> dict[str, Any]:
        """What `of_arguments` makes the same of, in another process."""
        return {"ranges": [[at, *bounds] for at, bounds in sorted(self._ranges.items())]} | {
            "table": self._name,
            "uris": list(self._uris),
        }

    @classmethod
    def of_arguments(cls, client: "Client", settings: JobSettings, given: Mapping[str, Any]) -> "Recomputed":
        """What another process has recomputed and loaded."""
        ranges = {at: (first, after) for at, first, after in given["ranges"]}
        return cls(client, settings, ranges, list(given["uris"]), given["table"])

    def load(self) -> None:
        """Into a table beside the others."""
        from google.cloud import bigquery

        config = bigquery.LoadJobConfig(source_format="PARQUET", write_disposition="WRITE_TRUNCATE")
        job = self._client.load_table_from_uri(self._uris, self._table, job_config=config, **bounds())
        wait_for(job)

    def _ensure(self) -> None:
        """A run that begins may have swept the table: then it is loaded again."""
        from google.api_core.exceptions import NotFound

        with suppress(NotFound):
            self._client.get_table(self._table, **bounds())
            return
        if not all(map(_is_there, self._uris)):
            raise NoLongerThere("what was recomputed is gone: ask for the backfill again.")
        self.load()

    def differences(self) -> list[Difference]:
        """What is otherwise than published, in records and money; what is the same is one outcome more."""
        return [Difference(**row) for row in run(self._client, diff_sql(self._settings, self._table), self._values)]

    def changed_ids(self, limit: int) -> list[str]:
        """Ids of the payments that would change."""
        changed = self._select("t.transaction_id") + f"\nlimit {limit:d}"
        return [row["transaction_id"] for row in run(self._client, changed, self._values)]

    def plan(self, most: int | None = None) -> Plan:
        """The swap of changed payments: the row as it is out, the row as it is recomputed in.

        Args:
            most: so many rows at most; the next plan is of those that still differ then.

        Raises:
            Incident: there are too many, where all are asked for.
            NoLongerThere: the table was swept, and so were its files.
        """
        self._ensure()
        pairs = MAX_CHANGES + 1 if most is None else max(1, most // 2)
        columns = [column.name for column in catalog.TRANSACTIONS.columns]
        recomputed = [f"s.{name}" if name in RECOMPUTED else f"t.{name}" for name in columns]
        first = f"\nlimit {pairs:d}"
        before = run(self._client, self._select(", ".join(f"t.{name}" for name in columns)) + first, self._values)
        after = run(self._client, self._select(", ".join(recomputed)) + first, self._values)
        if most is None and len(before) > MAX_CHANGES:
            message = f"more than {MAX_CHANGES} payments would change, and so many can at once: take a smaller range."
            raise Incident(IncidentKind.WAREHOUSE_FAILED, message)
        kinds = (Correction.BACKFILL_REPLACED, Correction.BACKFILL_CHOSEN)
        swaps = [
            Decision(kind, row)
            for pair in zip(before, after, strict=True)
            for kind, row in zip(kinds, pair, strict=True)
        ]
        return Plan(swaps, is_last=len(before) < pairs)

    def drop(self) -> None:
        """The table goes; so does what it was loaded from."""
        from spark_jobs.streaming import staged_files

        with suppress(*failures()):
            self._client.delete_table(self._table, not_found_ok=True, **bounds())
        staged_files.remove(tuple(self._uris))

    def _select(self, columns: str) -> str:
        return f"select {columns} {compared_sql(self._settings, self._table)} and {_OUTCOME} = 'CHANGED' {_ORDER}"


@contextmanager
def recomputed(
    client: "Client", settings: JobSettings, ranges: Mapping[int, Range], read: Read | None = None
) -> Iterator[Recomputed]:
    """Read the ranges again and load them beside the live data, for as long as the block lasts.

    Args:
        client: the warehouse.
        settings: names the topic and the tables.
        ranges: published offsets by partition.
        read: reads records; default: by the code of now, and the mapping of each record's batch.

    Raises:
        BrokerUnreachable: the broker did not answer.
        Incident: the topic no longer keeps the range.
    """
    uris: list[str] = []
    beside = Recomputed(client, settings, ranges, uris)
    reader = read or reader_of(client, settings, ranges)
    try:
        for batch in read_ranges(settings, ranges):
            uris.append(_write(reader(batch), f"{settings.staging_location}/backfill"))
        if uris:
            beside.load()
        yield beside
    finally:
        beside.drop()


def backfill(
    client: "Client", settings: JobSettings, beside: Recomputed, *, decided_by: str, reason: str
) -> Sequence[Decision]:
    """Swap every changed payment in one transaction, guarded by the control row; or nothing.

    Raises:
        Incident: the warehouse refused, or too many would change.
    """
    return decide(client, settings, beside.plan, decided_by=decided_by, reason=reason).decisions


def _is_there(uri: str) -> bool:
    import pyarrow.fs as pafs

    from spark_jobs.file_systems import place

    filesystem, path = place(uri)
    return bool(filesystem.get_file_info(path).type == pafs.FileType.File)


def _write(records: "pa.Table", location: str) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from spark_jobs.file_systems import make_folder

    reasons = pa.array([", ".join(row) for row in records["reasons"].to_pylist()], pa.string())
    kept = records.drop_columns(list(_NOT_STAGED)).append_column("reason_text", reasons)
    filesystem, folder = make_folder(location)
    name = f"{uuid.uuid4().hex}.parquet"
    pq.write_table(kept, f"{folder}/{name}", filesystem=filesystem)
    return f"{location}/{name}"


_IS_CHANGED = " or ".join(f"s.{name} is distinct from t.{name}" for name in RECOMPUTED if name != "payload_hash")
# The hash follows from the others. An earlier contract made it of more of them, which changes no payment.
_OUTCOME = f"""case
            when s.kafka_offset is null then 'NOT IN KAFKA'
            when s.value_sha256 != d.value_sha256 then 'OTHER VALUE IN KAFKA'
            when t.transaction_id is null and d.disposition in ('QUARANTINED', 'IGNORED') and s.reason_text = ''
                then 'ACCEPTED NOW'
            when t.transaction_id is null then 'SAME'
            when s.reason_text != '' then 'REFUSED NOW'
            when s.transaction_id != t.transaction_id or s.event_time != t.event_time then 'OTHER IDENTITY'
            when {_IS_CHANGED} then 'CHANGED'
            else 'SAME' end"""
_ORDER = "order by d.kafka_partition, d.kafka_offset"


def compared_sql(settings: JobSettings, staged: str) -> str:
    """Every delivery `d` of the ranges, with what is recomputed of it (`s`) and its payment, if it counts (`t`)."""
    here = "and {0}.kafka_partition = d.kafka_partition and {0}.kafka_offset = d.kafka_offset"
    return f"""
        from `{table_id(settings, catalog.DELIVERIES)}` as d
        inner join unnest(@ranges) as wanted
            on d.kafka_partition = wanted.kafka_partition
                and d.kafka_offset >= wanted.first_offset and d.kafka_offset < wanted.end_offset
        left join `{staged}` as s on s.kafka_partition = d.kafka_partition and s.kafka_offset = d.kafka_offset
        left join `{table_id(settings, catalog.TRANSACTIONS)}` as t
            on t.topic = d.topic {here.format("t")}
        where d.topic = @topic"""


def diff_sql(settings: JobSettings, staged: str) -> str:
    """Columns of Difference."""
    return f"""
        select outcome, disposition, currency, count(*) as records, sum(amount_minor) as amount_minor,
            sum(recomputed_minor) as recomputed_minor
        from (
            select {_OUTCOME} as outcome, d.disposition, coalesce(t.currency, s.currency, '') as currency,
                coalesce(t.amount_minor, 0) as amount_minor,
                if(t.transaction_id is null, 0, coalesce(s.amount_minor, 0)) as recomputed_minor
            {compared_sql(settings, staged)}
        )
        group by outcome, disposition, currency order by outcome, disposition, currency
        """
