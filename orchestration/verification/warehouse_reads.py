"""Every read of the warehouse that orchestration makes, in BigQuery's SQL.

Belongs here: queries and their rows as dicts. Does not belong here: judging the rows (ledger_rules, asset_checks), what
dbt builds. Names come from allow-lists (settings and spark_jobs.sinks.delta), values travel as parameters.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from orchestration.verification import scope as scopes
from orchestration.verification.correction_rules import CORRECTION_COUNTS, CORRECTION_RULES, REPLAY_LEADS
from orchestration.verification.erasure_rules import ERASURE_RULES
from orchestration.verification.record_rules import _RECORD_RULES
from spark_jobs.retention.kept import EVERYTHING, Kept, reach
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.names import full_name, sql_names
from spark_jobs.tables.row_types import Row

if TYPE_CHECKING:
    from google.cloud import bigquery


BREAKS_READ = 100
"""Rows that a query for broken records returns at most."""

_VIEWS = ("pipeline_health", "reconciliation_daily")


_NEWEST = "select * from {{batch_ledger}} where {condition} order by batch_id desc limit 1"
_RECENT = "published_at >= timestamp_sub(current_timestamp(), interval 7 day)"
"""Of a stream that has not stopped: partitions of a week, and not the whole ledger."""


@dataclass(frozen=True, slots=True)
class WarehouseReads:
    """The reads, by one client. Each sees one state of all tables; those of one session see the same one.

    With a scope they see of the large tables the batches that are in it. Of rows that have expired none is seen, as
    far as `kept` says.
    """

    client: "bigquery.Client"
    settings: JobSettings
    session_id: str | None = None
    scope: scopes.Scope | None = None
    kept: Kept = EVERYTHING

    @contextmanager
    def at_one_moment(self) -> Iterator["WarehouseReads"]:
        """The same reads, all of the state of now, whatever is published, built or corrected until they are done."""
        from spark_jobs.retention.marks import read_kept
        from spark_jobs.warehouse.snapshot import snapshot

        with snapshot(self.client) as session_id:
            kept = read_kept(self.client, self.settings, session_id)
            yield replace(self, session_id=session_id, kept=kept)

    def of_unsealed_days(self, ledger: Sequence[Row]) -> "WarehouseReads":
        """The same reads of the days that are not sealed; of everything where none is sealed."""
        newest = self.newest_sealed_day()
        sealed = scopes.unsealed(newest, ledger, None)
        if sealed is None:
            return self
        [oldest] = replace(self, scope=sealed).read(
            "select min(event_time) as event_time from {payment_corrections} where payments_added != 0"
        )
        return replace(self, scope=scopes.unsealed(newest, ledger, oldest["event_time"]))

    def newest_sealed_day(self) -> date | None:
        """None where no day is sealed. A column of a table of one row a day."""
        [newest] = self.read("select max(day) as day from {day_seals}")
        day: date | None = newest["day"]
        return day

    def newest_batch(self) -> Row | None:
        """The newest ledger row, beside what the tables hold of that batch; None before the first batch."""
        newest = self.read(_NEWEST.format(condition=_RECENT)) or self.read(_NEWEST.format(condition="true"))
        if not newest:
            return None
        # Apart from it, as constants: only those prune partitions. A batch and its deliveries are published at once.
        [counted] = self.read(
            """
            select
                (select count(*) from {payment_deliveries}
                    where batch_id = @batch_id and kafka_timestamp between @first and @last) as stored,
                (select sum(end_offset - start_offset - coalesce(hole_count, 0)) from {batch_ledger_partitions}
                    where batch_id = @batch_id) as offsets
            """,
            batch_id=newest[0]["batch_id"],
            # One of nothing but holes has none.
            first=newest[0]["min_kafka_timestamp"] or newest[0]["published_at"],
            last=newest[0]["max_kafka_timestamp"] or newest[0]["published_at"],
        )
        return newest[0] | counted

    def health_rows(self) -> list[Row]:
        """The dashboard that dbt builds, `pipeline_health`; no rows before the first build.

        A view that cannot be read is an error: only one that was never made has no rows.
        """
        return self.read("select * from {pipeline_health}") if self.is_built("pipeline_health") else []

    def is_built(self, view: str) -> bool:
        """Whether dbt has ever made a view."""
        from google.api_core.exceptions import NotFound

        from spark_jobs.warehouse.retries import bounds

        try:
            self.client.get_table(full_name(self.settings, view), **bounds())
        except NotFound:
            return False
        return True

    def reconciliation_days(self) -> list[Row]:
        """What dbt built as `reconciliation_daily`."""
        return self.read("select * from {reconciliation_daily} order by day")

    def whole_table(self, table: catalog.Table) -> list[Row]:
        """All rows of a small table."""
        return self.read(f"select * from {{{table.name}}}")

    def delivery_counts(self) -> list[Row]:
        """payment_deliveries, tallied by batch, partition and disposition."""
        return self.read(
            """
            select batch_id, kafka_partition, disposition, count(*) as record_count,
                min(kafka_offset) as min_offset, max(kafka_offset) as max_offset,
                min(kafka_timestamp) as min_kafka_timestamp, max(kafka_timestamp) as max_kafka_timestamp
            from {payment_deliveries}
            group by batch_id, kafka_partition, disposition
            """
        )

    def delivery_amounts(self) -> list[Row]:
        """The money of payment_deliveries, by batch, disposition and currency."""
        return self.read(
            """
            select batch_id, disposition, coalesce(currency, '') as currency, count(*) as record_count,
                sum(cast(coalesce(amount_minor, 0) as numeric)) as amount_minor
            from {payment_deliveries}
            group by batch_id, disposition, coalesce(currency, '')
            """
        )

    def ignored_counts(self) -> list[Row]:
        """The IGNORED records, tallied by batch and rule of the mapping."""
        return self.read(
            """
            select batch_id, array_to_string(reasons, ', ') as rule, count(*) as record_count
            from {payment_deliveries}
            where disposition = 'IGNORED'
            group by batch_id, array_to_string(reasons, ', ')
            """
        )

    def delivered_records(self, last_offsets: Mapping[int, int]) -> list[Row]:
        """What became of each record up to and with `last_offsets`; `value_sha256` is bytes."""
        sql = """
            select kafka_partition, kafka_offset, disposition, reasons, value_sha256
            from {payment_deliveries}
            where kafka_partition = @kafka_partition and kafka_offset <= @last_offset
            """
        return [
            row
            for partition, last_offset in sorted(last_offsets.items())
            for row in self.read(sql, kafka_partition=partition, last_offset=last_offset)
        ]

    def kept_records(self) -> list[Row]:
        """The deliveries whose key and value are kept, with every column: what is UNIQUE or was, is kept as columns."""
        return self.read(
            """
            select d.* from {payment_deliveries} as d
            left join (select * from {payment_corrections} where kind = 'RETRACTED_DUPLICATE') as c
                on d.topic = c.topic and d.kafka_partition = c.kafka_partition and d.kafka_offset = c.kafka_offset
            where d.disposition not in ('UNIQUE', 'ERASED') and c.topic is null and {is_raw_value_kept}
            """
        )

    def correction_counts(self) -> list[Row]:
        """Rows, different ids and the greatest id of corrections and replays; an erasure has many rows, and one id."""
        return replace(self, scope=None).read(CORRECTION_COUNTS)

    def broken_records(self) -> dict[str, list[Row]]:
        """Records that break a rule, by rule: `topic`, `kafka_partition`, `kafka_offset`; BREAKS_READ each at most.

        What breaks a rule in a part of the tables is looked at again in all of them: only that counts.
        """
        rules = _RECORD_RULES | CORRECTION_RULES | ERASURE_RULES
        if self.scope is None:
            return {rule: self._broken(sql) for rule, sql in rules.items()}
        everything = replace(self, scope=None)
        asked = {rule: sql for rule, sql in rules.items() if rule != REPLAY_LEADS}
        return {rule: everything._broken(sql) if self._broken(sql) else [] for rule, sql in asked.items()}

    def _broken(self, sql: str) -> list[Row]:
        return self.read(f"{sql}\nlimit {BREAKS_READ}")

    def read(self, sql: str, **parameters: Any) -> list[Row]:
        """The rows of a query in which `{name}` is a table or a view of ours."""
        from spark_jobs.warehouse.client import run

        return run(self.client, sql.format(**self._names()), parameters, session_id=self.session_id)

    def stream(self, sql: str, page_rows: int, **parameters: Any) -> Iterator[Any]:
        """The same, by page: a row answers to a column's name. For more rows than should be held at once."""
        from spark_jobs.warehouse.client import stream

        return stream(self.client, sql.format(**self._names()), parameters, page_rows, self.session_id)

    def _names(self) -> dict[str, str]:
        """What a name in braces stands for."""
        names = sql_names(self.settings, *_VIEWS)
        return names | (self.scope.parts(names) if self.scope else scopes.whole(names, self.kept, reach(self.settings)))
