"""How many rows and bytes the tables hold at a rate and after so many days: a law of growth for each, and a run.

Belongs here: the laws, and the bytes of a read. Does not belong here: what is read (billing), money (prices).
A table without a law is an error: whoever adds one says what it grows with.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from benchmarks.bytes.billing import Read
from benchmarks.bytes.pruning import EVERYTHING, Window
from benchmarks.bytes.recorded import STAGED, TABLE_OPTIONS, Recording, StoredTable
from spark_jobs.contract.payment_event import WATERMARK_DELAY
from spark_jobs.tables import catalog

DAY_SECONDS = 86_400
LEAST_BYTES = 10 * 2**20
"""Billed for each table that a statement names, however little it reads."""
DBT_TMP = "__dbt_tmp"
HOURLY = ("payment_transactions_fraud", "int_payments__alerted")
"""Models that a build makes once an hour."""
WHOLE_DAYS: Mapping[str, int] = {"int_accounts__habits": 4}
"""Tables of which a day's rows are written at once, as the day begins, with how many of the newest days they keep."""


class Grows(StrEnum):
    """What a table's rows are counted by."""

    PAYMENT = "payment"
    BATCH = "batch"
    BUILD = "build"
    MINUTE = "minute"
    DAY = "day"
    ERASURE = "erasure"
    NOT = "constant"


LAWS: Mapping[str, Grows] = {
    catalog.DELIVERIES.name: Grows.PAYMENT,
    catalog.TRANSACTIONS.name: Grows.PAYMENT,
    catalog.CORRECTIONS.name: Grows.PAYMENT,
    catalog.REPLAYS.name: Grows.PAYMENT,
    "int_accounts__days": Grows.PAYMENT,
    "int_accounts__habits": Grows.PAYMENT,
    "payment_transactions_fraud": Grows.PAYMENT,
    "int_payments__alerted": Grows.PAYMENT,
    "payment_metrics": Grows.MINUTE,
    "payment_returns": Grows.PAYMENT,
    "int_deliveries__totals": Grows.BUILD,
    catalog.LEDGER.name: Grows.BATCH,
    catalog.LEDGER_PARTITIONS.name: Grows.BATCH,
    catalog.LEDGER_AMOUNTS.name: Grows.BATCH,
    catalog.CONTROL_TOTALS.name: Grows.DAY,
    catalog.SETTLEMENT_TOTALS.name: Grows.DAY,
    catalog.ERASURES.name: Grows.ERASURE,
    catalog.ERASED_IDS.name: Grows.ERASURE,
    catalog.CONTROL.name: Grows.NOT,
    catalog.KAFKA_OFFSETS.name: Grows.NOT,
    catalog.OBSERVATIONS.name: Grows.NOT,
    catalog.HEALTH_HISTORY.name: Grows.DAY,
    catalog.LEASES.name: Grows.NOT,
    catalog.INCIDENTS.name: Grows.NOT,
    catalog.ACCEPTED_GAPS.name: Grows.NOT,
    catalog.PROMOTED_FIELDS.name: Grows.NOT,
    catalog.SCHEMA_MIGRATIONS.name: Grows.NOT,
    catalog.CONTRACT_VERSIONS.name: Grows.NOT,
    catalog.DAY_SEALS.name: Grows.DAY,
    catalog.RETENTION_MARKS.name: Grows.DAY,
    catalog.DAY_REPORTS.name: Grows.DAY,
    catalog.FRAUD_LABELS.name: Grows.DAY,
    catalog.FRAUD_LISTS.name: Grows.DAY,
    catalog.DECISION_REQUESTS.name: Grows.DAY,
    catalog.DECISION_OUTCOMES.name: Grows.DAY,
    "country_regions": Grows.NOT,
    "currencies": Grows.NOT,
    "fraud_queue_limits": Grows.NOT,
    "fraud_rule_versions": Grows.NOT,
    "fraud_rules": Grows.NOT,
    "fx_rates": Grows.NOT,
    "health_limits": Grows.NOT,
    "reconciliation_summary": Grows.DAY,
    "risk_thresholds": Grows.NOT,
    "sender_report_schedules": Grows.NOT,
}


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often each kind of work is done."""

    batch_seconds: float = 10
    build_minutes: float = 5
    check_rows_minutes: int = 60
    """The default of PAYMENTS_CHECK_ROWS_MINUTES with BigQuery."""
    verifications_a_day: float = 1
    audits_a_day: float = 1
    decisions_a_day: float = 4
    erasures_a_day: float = 1
    renewals_a_day: float = 1
    nights_a_day: float = 1
    sealed_days_read_a_day: float = 3
    """A day is sealed each night, and two are held against their seals."""
    fraud_looks_a_day: float = 24
    backups_a_day: float = 1
    turns_a_day: float = 0
    """With PAYMENTS_TURN=lock, the default, none."""

    def times_a_day(self, work: str) -> float:
        """Of a kind of work, by its name in a recording."""
        builds = 1440 / self.build_minutes
        return {
            "batch": DAY_SECONDS / self.batch_seconds,
            "renewal": self.renewals_a_day,
            "build": builds,
            "check": builds,
            "night": self.nights_a_day,
            "seal": self.sealed_days_read_a_day,
            "fraud": self.fraud_looks_a_day,
            "backup": self.backups_a_day,
            "turn": self.turns_a_day,
            "watch": 1440,
            "verify": self.verifications_a_day,
            "audit": self.audits_a_day,
            "decision": self.decisions_a_day,
            "erasure": self.erasures_a_day,
            # Once in a pipeline's life, and where somebody asks.
            "rebuild": 0,
            "full": 0,
            "hour": 24,
            "look": 1440 / self.check_rows_minutes,
            "week": 1 / 7,
        }[work]


@dataclass(frozen=True, slots=True)
class Traffic:
    """A steady rate, kept for so many days."""

    payments_per_second: float
    days: float
    schedule: Schedule = field(default_factory=Schedule)


@dataclass(frozen=True, slots=True)
class Volumes:
    """What a recording says of the tables."""

    recording: Recording

    def bytes_of(self, reads: Iterable[Read], traffic: Traffic) -> float:
        """What one run of a statement is billed."""
        return sum(max(self._read(read, traffic), LEAST_BYTES) for read in reads)

    def _read(self, read: Read, traffic: Traffic) -> float:
        table = self.table(read.table)
        width = sum(size for name, size in table.column_bytes.items() if name in read.columns)
        if read.is_rewritten:
            width += sum(table.column_bytes.values())
        return width * self.rows(read.table, read.window, traffic)

    def stored_bytes(self, name: str, traffic: Traffic) -> float:
        """Of a whole table."""
        return self.rows(name, EVERYTHING, traffic) * sum(self.table(name).column_bytes.values())

    def table(self, name: str) -> StoredTable:
        """What a table is made of; a staging table and a temporary one are made of the rows of those that they fill."""
        if name.endswith(DBT_TMP):
            return self.recording.tables[name.removesuffix(DBT_TMP)]
        if name.startswith("staging_") and name.endswith(STAGED):
            deliveries = self.recording.tables[catalog.DELIVERIES.name]
            payments = self.recording.tables[catalog.TRANSACTIONS.name]
            return StoredTable({}, None, 0, {**payments.column_bytes, **deliveries.column_bytes})
        return StoredTable({}) if name == TABLE_OPTIONS else self.recording.tables[name]

    def rows(self, name: str, window: Window, traffic: Traffic) -> float:
        """Rows of a table in a window of days."""
        if name == f"staging_{STAGED}":
            payments = traffic.payments_per_second * traffic.schedule.batch_seconds
            return payments * self._a_payment(catalog.DELIVERIES.name)
        if name.startswith("staging_") or name == TABLE_OPTIONS:
            # A decision's or an erasure's few rows; a few options.
            return 0
        if name.endswith(DBT_TMP):
            minutes = 60 if name.removesuffix(DBT_TMP) in HOURLY else traffic.schedule.build_minutes
            since = WATERMARK_DELAY.total_seconds() + minutes * 60
            return self._rows_a_day(name.removesuffix(DBT_TMP), traffic) * since / DAY_SECONDS
        if LAWS[name] is Grows.NOT:
            return self.recording.tables[name].rows
        if name in WHOLE_DAYS:
            # Today began half a day ago, on the average, and is whole.
            return self._rows_a_day(name, traffic) * window.later(0.5).days(min(traffic.days, WHOLE_DAYS[name]))
        return self._rows_a_day(name, traffic) * window.days(traffic.days)

    def _rows_a_day(self, name: str, traffic: Traffic) -> float:
        units, rows = self.recording.units, self.recording.tables[name].rows
        payments = traffic.payments_per_second * DAY_SECONDS * self._a_payment(name)
        builds_a_day = traffic.schedule.times_a_day("build")
        match LAWS[name]:
            case Grows.PAYMENT:
                return payments
            case Grows.MINUTE:
                return min(payments, units["cells"] * 1440)
            case Grows.BUILD:
                # Every cell in every build, once there are payments enough.
                return builds_a_day * min(payments / builds_a_day, rows)
            case Grows.BATCH:
                return traffic.schedule.times_a_day("batch") * rows / units["batches"]
            case Grows.ERASURE:
                return traffic.schedule.erasures_a_day * rows
        return rows

    def _a_payment(self, name: str) -> float:
        return self.recording.tables[name].rows / self.recording.units["payments"]


def undeclared(tables: Iterable[str]) -> list[str]:
    """Stored tables of which nobody has said what they grow with."""
    passing = (name for name in tables if not name.startswith("staging_") and not name.endswith(DBT_TMP))
    return sorted(set(passing) - set(LAWS))
