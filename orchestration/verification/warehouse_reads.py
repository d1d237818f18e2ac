"""Every read of the warehouse that orchestration makes, in BigQuery's SQL.

Belongs here: queries and their rows as dicts. Does not belong here: judging the rows (verification.py, checks.py), what
dbt builds. Names come from allow-lists (settings and tables.py), values travel as parameters.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from orchestration.verification.correction_rules import CORRECTION_COUNTS, CORRECTION_RULES
from orchestration.verification.erasure_rules import ERASURE_RULES
from spark_jobs.contract.iso_codes import MINOR_UNITS
from spark_jobs.contract.payment_event import FIELDS
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog

if TYPE_CHECKING:
    from google.cloud import bigquery

type Row = dict[str, Any]

BREAKS_READ = 100
"""Rows that a query for broken records returns at most."""

_VIEWS = ("pipeline_health", "reconciliation_daily")


@dataclass(frozen=True, slots=True)
class WarehouseReads:
    """The reads, by one client. With `as_of` all tables are read as they were then, whoever has published since."""

    client: "bigquery.Client"
    settings: JobSettings
    as_of: datetime | None = None

    def at_this_moment(self) -> "WarehouseReads":
        """The same reads, all of the state of now by the warehouse's own clock."""
        [row] = self.read("select current_timestamp() as now")
        return replace(self, as_of=row["now"])

    def newest_batch(self) -> Row | None:
        """The newest ledger row, beside what the tables hold of that batch; None before the first batch."""
        rows = self.read(
            """
            with newest as (select * from {batch_ledger} order by batch_id desc limit 1)
            select
                newest.*,
                (select count(*) from {payment_deliveries} as d where d.batch_id = newest.batch_id
                    and d.kafka_timestamp between newest.min_kafka_timestamp and newest.max_kafka_timestamp) as stored,
                (select sum(end_offset - start_offset) from {batch_ledger_partitions} as p
                    where p.batch_id = newest.batch_id) as offsets
            from newest
            """
        )
        return rows[0] if rows else None

    def health_rows(self) -> list[Row]:
        """The dashboard that dbt builds, `pipeline_health`; no rows before the first build."""
        from google.api_core.exceptions import NotFound

        try:
            return self.read("select * from {pipeline_health}")
        except NotFound:
            return []

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
            where d.disposition not in ('UNIQUE', 'ERASED') and c.topic is null
            """
        )

    def correction_counts(self) -> list[Row]:
        """Rows, different ids and the greatest id of corrections and replays; an erasure has many rows, and one id."""
        return self.read(CORRECTION_COUNTS)

    def broken_records(self) -> dict[str, list[Row]]:
        """Records that break a rule, by rule: `topic`, `kafka_partition`, `kafka_offset`; BREAKS_READ each at most."""
        return {
            rule: self.read(f"{sql}\nlimit {BREAKS_READ}")
            for rule, sql in (_RECORD_RULES | CORRECTION_RULES | ERASURE_RULES).items()
        }

    def read(self, sql: str, **parameters: Any) -> list[Row]:
        """The rows of a query in which `{name}` is a table or a view of ours."""
        from spark_jobs.warehouse.client import run

        return run(self.client, *self._of_the_moment(sql, parameters))

    def stream(self, sql: str, page_rows: int, **parameters: Any) -> Iterator[Any]:
        """The same, by page: a row answers to a column's name. For more rows than should be held at once."""
        from spark_jobs.warehouse.client import stream

        return stream(self.client, *self._of_the_moment(sql, parameters), page_rows)

    def _of_the_moment(self, sql: str, parameters: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        moment = {"as_of": self.as_of} if self.as_of and "{" in sql else {}
        return sql.format(**self._names()), parameters | moment

    def _names(self) -> dict[str, str]:
        """What a name in braces stands for. Views know no past: they are read as they are."""
        dataset = f"{self.settings.project}.{self.settings.dataset}"
        views = {name: f"`{dataset}.{name}`" for name in _VIEWS}
        past = "(select * from `{}` for system_time as of @as_of)" if self.as_of else "`{}`"
        return views | {table.name: past.format(f"{dataset}.{table.name}") for table in catalog.TABLES}


def _payload_hash() -> str:
    """The payload's hash as the streaming job makes it, from the stored columns (spark_jobs/validation.py)."""
    hashed = [f.name for f in FIELDS if f.name not in ("transaction_id", "event_time", "amount")]
    texts = ", ".join(f"coalesce({name}, '')" for name in (*hashed, "extra_fields"))
    return f"md5(array_to_string([cast(amount_minor as string), {texts}], chr(31)))"


def _minor_units() -> str:
    """How many minor units one unit of the row's currency has."""
    cases = " ".join(f"when '{currency}' then {10**digits}" for currency, digits in sorted(MINOR_UNITS.items()))
    return f"case currency {cases} end"


_PAYMENTS = {"a payment": catalog.TRANSACTIONS, "a correction": catalog.CORRECTIONS}

_RECORD_RULES = {
    "a delivery is stored once": """
        select topic, kafka_partition, kafka_offset from {payment_deliveries}
        group by topic, kafka_partition, kafka_offset having count(*) > 1
        """,
    "a payment is stored once": """
        select any_value(topic) as topic, min(kafka_partition) as kafka_partition, min(kafka_offset) as kafka_offset
        from {payment_transactions} group by transaction_id having count(*) > 1
        """,
    "a UNIQUE or corrected delivery and its payment agree": """
        select
            coalesce(d.topic, t.topic) as topic,
            coalesce(d.kafka_partition, t.kafka_partition) as kafka_partition,
            coalesce(d.kafka_offset, t.kafka_offset) as kafka_offset
        from (
            select d.* except (currency, amount_minor, payload_hash), coalesce(said.currency, d.currency) as currency,
                coalesce(said.amount_minor, d.amount_minor) as amount_minor,
                coalesce(said.payload_hash, d.payload_hash) as payload_hash,
                if(d.disposition = 'UNIQUE', 1, 0) + coalesce(c.payments_added, 0) as payments
            from {payment_deliveries} as d
            left join (
                select * from {payment_corrections} where payments_added = 1
                qualify row_number() over (
                    partition by topic, kafka_partition, kafka_offset order by correction_id desc) = 1) as said
                on d.topic = said.topic and d.kafka_partition = said.kafka_partition
                    and d.kafka_offset = said.kafka_offset
            left join (
                select topic, kafka_partition, kafka_offset, sum(payments_added) as payments_added
                from {payment_corrections} group by topic, kafka_partition, kafka_offset) as c
                on d.topic = c.topic and d.kafka_partition = c.kafka_partition and d.kafka_offset = c.kafka_offset
            where d.disposition != 'ERASED'
                and if(d.disposition = 'UNIQUE', 1, 0) + coalesce(c.payments_added, 0) != 0
        ) as d
        full outer join {payment_transactions} as t
            on d.topic = t.topic and d.kafka_partition = t.kafka_partition and d.kafka_offset = t.kafka_offset
        where d.topic is null or t.topic is null or d.payments != 1
            or d.transaction_id != t.transaction_id or d.event_time != t.event_time or d.currency != t.currency
            or d.amount_minor != t.amount_minor or d.batch_id != t.batch_id or d.payload_hash != t.payload_hash
            or d.value_sha256 != t.value_sha256 or d.kafka_timestamp != t.kafka_timestamp
            or d.transaction_id is null or d.event_time is null or d.currency is null or d.amount_minor is null
            or d.payload_hash is null or t.payload_hash is null
        """,
    **{
        f"{told} says what its hash was made of": f"""
        select topic, kafka_partition, kafka_offset from {{{table.name}}}
        where payload_hash != {_payload_hash()}
        """
        for told, table in _PAYMENTS.items()
    },
    **{
        f"the amount of {told} is its minor units": f"""
        select topic, kafka_partition, kafka_offset from {{{table.name}}}
        where coalesce(amount * {_minor_units()} != amount_minor, transaction_id is not null)
        """
        for told, table in _PAYMENTS.items()
    },
    "a record has reasons where it is quarantined, and only there": """
        select topic, kafka_partition, kafka_offset from {payment_deliveries}
        where (disposition = 'QUARANTINED') != (array_length(reasons) > 0)
        """,
    "a UNIQUE record keeps no raw value: its payment says it all": """
        select topic, kafka_partition, kafka_offset from {payment_deliveries}
        where disposition = 'UNIQUE' and (raw_key is not null or raw_value is not null)
        """,
    "a DUPLICATE has a payment that it duplicates": """
        select d.topic, d.kafka_partition, d.kafka_offset from {payment_deliveries} as d
        left join {payment_transactions} as t on d.transaction_id = t.transaction_id
        where d.disposition = 'DUPLICATE' and t.transaction_id is null
        """,
}
