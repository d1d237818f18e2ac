"""The page's tables: their columns, how a cell is written, what stands below.

Belongs here: layouts and cells. Does not belong here: where rows come from (statements), HTML (page).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from orchestration.dashboard import statements
from orchestration.dashboard.answer import clock
from orchestration.dashboard.drawing import not_made_100
from orchestration.dashboard.model import Row, Section, Snapshot, moment_of
from orchestration.dashboard.statements import QUERIES
from spark_jobs.contract.iso_codes import MINOR_UNITS
from spark_jobs.warehouse.job_limits import ON_DEMAND_DOLLARS_A_TIB

type Cell = Callable[[Row], str]


@dataclass(frozen=True, slots=True)
class Layout:
    """A table before it has rows: `section` has them, `columns` are titles and cells."""

    key: str
    title: str
    section: str
    columns: dict[str, Cell]
    empty: str
    command: str = ""
    note: Callable[[Section], str] = lambda _: ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it stands on the page."""

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str
    trouble: str
    read_at: str
    command: str

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Of each column whether it holds numbers alone, which stand to the right, digit below digit."""
        return tuple(
            any(row[at] for row in self.rows) and all(is_number(row[at]) for row in self.rows if row[at])
            for at in range(len(self.columns))
        )

    @property
    def dated_trouble(self) -> str:
        """The trouble, and from when its rows are."""
        return dated(self.trouble, self.read_at)


def table_of(layout: Layout, snapshot: Snapshot) -> Table:
    """The table with its rows."""
    section = snapshot.section(layout.section)
    rows = tuple(tuple(cell(row) for cell in layout.columns.values()) for row in section.rows)
    never = "It was not read yet." if section.read_at is None else layout.empty
    return Table(
        key=layout.key,
        title=layout.title,
        columns=tuple(layout.columns),
        rows=rows,
        note=section.note or (layout.note(section) if rows else never),
        trouble=section.trouble,
        read_at=read_at(section),
        command=layout.command,
    )


def read_at(section: Section) -> str:
    """When its rows were read; nothing where they never were."""
    return "" if section.read_at is None else clock(moment_of(section.read_at))


def dated(trouble: str, at: str) -> str:
    """Why nothing newer is known, and from when that is which stands below; nothing where it is of now."""
    return f"{trouble} Below is what was known at {at} UTC." if trouble and at else trouble


def is_number(cell: str) -> bool:
    """Whether a cell is a number, with a currency or a unit of size at most."""
    return re.fullmatch(r"[-$]?[\d,]+(\.\d+)?( ([A-Z]{3}|[kMGTP]?B))?", cell) is not None


def size(name: str) -> Cell:
    """A number of bytes, in the unit that says it best."""

    def cell(row: Row) -> str:
        if row.get(name) is None:
            return ""
        value, units = Decimal(str(row[name])), ["B", "kB", "MB", "GB", "TB", "PB"]
        while abs(value) >= 1000 and len(units) > 1:
            value, units = value / 1000, units[1:]
        return f"{value:,.1f}".removesuffix(".0") + f" {units[0]}"

    return cell


def text(name: str) -> Cell:
    """The value as it is."""
    return lambda row: "" if row.get(name) is None else str(row[name])


def count(name: str) -> Cell:
    """A whole number with separators."""
    return lambda row: "" if row.get(name) is None else f"{int(row[name]):,}"


def number(name: str) -> Cell:
    """A number with two places at most."""

    def cell(row: Row) -> str:
        if row.get(name) is None:
            return ""
        return f"{not_made_100(Decimal(str(row[name]))):,.2f}".removesuffix(".00")

    return cell


def when(name: str) -> Cell:
    """A moment."""
    return lambda row: "" if row.get(name) is None else clock(moment_of(str(row[name])))


def money(name: str, currency: str) -> Cell:
    """An amount in minor units, in the currency's own."""

    def cell(row: Row) -> str:
        code = str(row[currency] or "")
        digits = MINOR_UNITS.get(code, 0)
        return f"{Decimal(str(row[name])).scaleb(-digits):,.{digits}f} {code}".strip()

    return cell


def euros(name: str) -> Cell:
    """An amount in euros."""
    return lambda row: "" if row.get(name) is None else f"{Decimal(str(row[name])):,.2f} EUR"


def _dollars(row: Row) -> str:
    return f"${Decimal(row['bytes_billed'] or 0) / 2**40 * ON_DEMAND_DOLLARS_A_TIB:,.2f}"


def _at_stake(section: Section) -> str:
    first = section.rows[0]
    known = euros("open_eur")(first) or "0.00 EUR"
    unvalued = first.get("unvalued_count") or 0
    beside = f" That leaves out {unvalued:,} of them, of which no rate gives the value in EUR." if unvalued else ""
    return f"{first['open_count']:,} payments are undecided; {known} are at stake.{beside}"


def _stake(row: Row) -> str:
    return euros("exposure_eur")(row) or "not known"


def _samples(row: Row) -> str:
    return ", ".join(row["samples"] or ())


_MONITORED: dict[str, dict[str, Cell]] = {
    "deduplication": {
        "hour": when("hour"),
        "records": count("delivered"),
        "duplicates": count("duplicates"),
        "%": number("duplicate_rate_pct"),
    },
    "state-growth": {
        "hour": when("hour"),
        "ids": count("state_keys"),
        "size": size("state_bytes"),
        "growth": size("growth_bytes"),
    },
    "reconciliation": {
        "day": text("day"),
        "comparisons": count("row_count"),
        "fail": count("failed_count"),
        "not due": count("pending_count"),
        "match %": number("match_pct"),
    },
    "latency": {
        "hour": when("hour"),
        "records": count("delivered"),
        "p50 s": number("latency_p50_seconds"),
        "p95 s": number("latency_p95_seconds"),
        "fraud score p95 s": number("fraud_score_p95_seconds"),
    },
    "throughput": {
        "hour": when("hour"),
        "batches": count("batches"),
        "records": count("delivered"),
        "records/s": number("records_per_second"),
        "longest wait s": count("longest_wait_seconds"),
    },
}

TABLES = (
    Layout(
        "lag",
        "Kafka partitions",
        statements.LAG,
        {
            "partition": count("kafka_partition"),
            "published up to": count("published_up_to"),
            "broker ends at": count("broker_ends_at"),
            "lag": count("lag"),
        },
        "No partition is known yet.",
        "payments status",
    ),
    Layout(
        "quarantine",
        "Quarantine, last 24 hours",
        statements.QUARANTINE,
        {"reason": text("reason"), "records": count("records"), "newest": when("newest_at"), "samples": _samples},
        "No record was quarantined.",
        "payments replay",
        lambda _: "A sample is topic/partition/offset; what the record says is not shown here.",
    ),
    Layout(
        "conflicts",
        "Conflicts and money at stake",
        statements.CONFLICTS,
        {
            "published at": text("published_offset"),
            "payloads": count("payloads"),
            "at stake": _stake,
            "newest payload": when("last_payload_at"),
        },
        "No payment was delivered with two payloads, or all are decided.",
        "payments resolve",
        _at_stake,
    ),
    Layout(
        "late",
        "Late money, last 24 hours",
        statements.LATE,
        {"currency": text("currency"), "records": count("records"), "amount": money("amount_minor", "currency")},
        "No record was late.",
        "payments replay --late",
    ),
    Layout(
        "senders",
        "Sender reports, last 7 days",
        statements.SENDERS,
        {
            "source": text("source"),
            "newest report": when("reported_at"),
            "newest day": text("newest_day"),
            "records": count("records"),
            "payments": count("payments"),
        },
        "No sender has reported.",
        "payments query reconciliation",
    ),
    Layout(
        "fraud",
        "Fraud queue, today and yesterday",
        statements.FRAUD,
        {
            "day of the payments": text("day"),
            "alerts": count("alerts"),
            "without a label": count("unlabelled"),
            "payments": count("payments"),
            "amount": euros("amount_eur"),
        },
        "No payment of today or yesterday is an alert.",
        "payments alert-queue",
    ),
    Layout(
        "batches",
        "Last batches",
        statements.BATCHES,
        {
            "batch": count("batch_id"),
            "published": when("published_at"),
            "records": count("delivered"),
            "unique": count("unique_count"),
            "duplicate": count("duplicate_count"),
            "late": count("late_count"),
            "quarantined": count("quarantined_count"),
            "ignored": count("ignored_count"),
            "p95 s": number("latency_p95_seconds"),
            "digest": text("digest"),
        },
        "No batch was published in the last 24 hours.",
        "payments audit",
    ),
    *(
        Layout(
            f"query-{query.name}",
            query.question,
            query.name,
            _MONITORED[query.name] | {"status": text("status")},
            "Nothing was published in the last 24 hours.",
            f"payments query {query.name}",
            lambda _, healthy=query.healthy: f"{healthy}.",  # type: ignore[misc]
        )
        for query in QUERIES.values()
    ),
    Layout(
        "costs",
        "Costs a day",
        statements.COSTS,
        {"day": text("day"), "queries": count("jobs"), "billed": size("bytes_billed"), "list price": _dollars},
        "BigQuery has billed no query in the last 7 days.",
        "",
        lambda _: f"All queries of the project, at {ON_DEMAND_DOLLARS_A_TIB} dollars a TiB; storage is not in it.",
    ),
)
"""Top to bottom."""
