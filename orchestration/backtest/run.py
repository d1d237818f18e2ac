"""A backtest on the warehouse: labelled traffic into a dataset of its own, scored there by the very models of dbt.

Belongs here: making, loading, building, reading. Does not belong here: judging (scoring), how dbt scores, payments
of one's own (own). Nothing of it touches the platform's own dataset, its Kafka topic or Spark: the traffic is loaded as
deduplicated payments.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from orchestration.backtest.scoring import Backtest, Team, evaluate
from orchestration.backtest.statements import questions
from orchestration.resources.dbt_process import build
from orchestration.settings import StackSettings, child_environment
from spark_jobs.settings import JobSettings, SettingError
from spark_jobs.tables import catalog
from spark_jobs.tables.columns import Column
from spark_jobs.warehouse.loads import load_rows

if TYPE_CHECKING:
    from google.cloud import bigquery

    from simulator.population.payments import Payment

Say = Callable[[str], None]

_ENDS_AT = datetime(2026, 11, 2, tzinfo=UTC)
"""Always the same days: the same seed gives the same figures."""

MAX_ALERTS_A_DAY = 10_000

_PAYMENTS_PER_ACCOUNT_AND_DAY = 2.1
_DBT_SECONDS = 900

LABELS = catalog.Table(
    "fraud_labels",
    "One row per fraudulent payment of a backtest.",
    (Column("transaction_id", "STRING", "The payment."), Column("typology", "STRING", "Its fraud.")),
)


@dataclass(frozen=True, slots=True)
class BacktestConfig:
    """How much traffic, and which. The first `history_days` of `days` only give accounts a past: they are not judged.

    Raises:
        SettingError: a value is out of its range.
    """

    events: int = 50_000
    seed: int = 2026
    days: int = 21
    history_days: int = 7
    fraud_rate: float = 0.005
    alerts_a_day: int = 10

    def __post_init__(self) -> None:
        """Refuse what would say nothing."""
        refuse_out_of_range(
            ("--events", self.events, 5_000, 5_000_000),
            ("--seed", self.seed, 0, 2**63 - 1),
            ("--days", self.days, 2, 90),
            ("--history-days", self.history_days, 1, self.days - 1),
            ("--fraud-rate", self.fraud_rate, 0.0001, 0.05),
            ("--alerts-a-day", self.alerts_a_day, 1, MAX_ALERTS_A_DAY),
        )

    @property
    def ends_at(self) -> datetime:
        """No payment is made from then on."""
        return _ENDS_AT

    @property
    def judged_since(self) -> datetime:
        """From when on payments are judged."""
        return _ENDS_AT - timedelta(days=self.days - self.history_days)


def refuse_out_of_range(*options: tuple[str, float, float, float]) -> None:
    """Each is an option's name, its value, and the least and the greatest that it may have.

    Raises:
        SettingError: a value is out of its range.
    """
    for name, value, low, high in options:
        if not low <= value <= high:
            raise SettingError(f"{name} must be between {low} and {high}, not {value}.")


def run_backtest(settings: StackSettings, config: BacktestConfig, say: Say) -> Backtest:
    """Simulate, load, score, judge.

    Raises:
        CommandError: dbt could not build the models.
    """
    from spark_jobs.warehouse.client import connect
    from spark_jobs.warehouse.table_setup import ensure_tables

    job = settings.job.in_one_dataset(f"{settings.job.dataset}_backtest")
    say(f"Simulate {config.events:,} payments of {config.days} days, seed {config.seed} ...")
    payments = list(labelled_payments(config))
    with connect(job) as client:
        say(f"Load them into {job.dataset} ...")
        ensure_tables(client, job)
        _load(client, job, payments)
        say("Score them with dbt ...")
        _build(replace(settings, job=job))
        dataset = f"`{job.project}.{job.dataset}`"
        team = Team(config.alerts_a_day, config.days - config.history_days)
        return judged(client, dataset, f"{dataset}.{LABELS.name}", (config.judged_since, _ENDS_AT), team)


def judged(
    client: "bigquery.Client", dataset: str, labels: str, period: tuple[datetime, datetime], team: Team
) -> Backtest:
    """The backtest of payments that are scored.

    Args:
        client: the warehouse.
        dataset: quoted, where dbt's models are.
        labels: a table, or a query in brackets, of transaction_id and typology: a row per fraudulent payment.
        period: of the payments' event_time, from and until.
        team: who looks at the alerts.
    """
    from spark_jobs.warehouse.client import run

    bounds = {"since": period[0], "until": period[1]}
    # An account that was found leaves its place to the next one, on each later day.
    of_alerts = bounds | {"alerts": team.alerts_a_day * team.days}
    asked = questions(dataset, labels)
    scores, hits = (run(client, asked[name], bounds) for name in ("scores", "hits"))
    return evaluate(scores, hits, run(client, asked["alerts"], of_alerts), team)


def labelled_payments(config: BacktestConfig) -> "Iterator[Payment]":
    """Payments in order of time, each with its label: the same for the same arguments."""
    import numpy as np

    from simulator.config import MIN_ACCOUNTS
    from simulator.faults.fraud import mixed_payments
    from simulator.population.clock import BurstClock, to_ms
    from simulator.population.people import populate

    accounts = max(MIN_ACCOUNTS, round(config.events / config.days / _PAYMENTS_PER_ACCOUNT_AND_DAY))
    clock = BurstClock(config.events, to_ms(_ENDS_AT - timedelta(days=config.days)), to_ms(_ENDS_AT))
    return mixed_payments(populate(config.seed, accounts), clock, config.fraud_rate, np.random.default_rng(config.seed))


def _load(client: "bigquery.Client", job: JobSettings, payments: "list[Payment]") -> None:
    rows = [row_of(number, payment) for number, payment in enumerate(payments)]
    load_rows(client, job, catalog.TRANSACTIONS, rows, replace=True)
    labels = [{"transaction_id": p.transaction_id, "typology": p.fraud} for p in payments if p.fraud]
    load_rows(client, job, LABELS, labels, replace=True)
    load_rows(client, job, catalog.LEDGER, [published(1, _ENDS_AT)], replace=True)
    load_rows(client, job, catalog.CONTROL, [filled(catalog.CONTROL, last_batch_id=1)], replace=True)


def published(batch_id: int, watermark: datetime) -> dict[str, Any]:
    """A row of the ledger, which says that no older payment comes: so days are over."""
    return filled(catalog.LEDGER, batch_id=batch_id, watermark=watermark.isoformat())


def filled(table: catalog.Table, **known: Any) -> dict[str, Any]:
    """A row with a value in every column that must have one."""
    empty = {"STRING": "", "INT64": 0, "FLOAT64": 0, "TIMESTAMP": _ENDS_AT.isoformat()}
    return {c.name: empty[c.type] for c in table.columns if c.mode == "REQUIRED"} | known


def row_of(number: int, payment: "Payment") -> dict[str, Any]:
    """A row of payment_transactions, as though the stream had published it."""
    from simulator.population.payments import to_json

    event: dict[str, Any] = json.loads(to_json(payment))
    return event | {
        "amount_minor": payment.amount_minor,
        "value_sha256": "",
        "topic": "backtest",
        "kafka_partition": 0,
        "kafka_offset": number,
        "kafka_timestamp": payment.event_time,
        "batch_id": 1,
    }


def _build(settings: StackSettings) -> None:
    build(
        "score the backtest",
        settings.home / "dbt-backtest",
        child_environment(settings),
        *("--full-refresh", "--select", "+payment_transactions_fraud", "payment_fraud_scores"),
        *("--exclude-resource-type", "unit_test", "--exclude-resource-type", "test"),
        timeout_seconds=_DBT_SECONDS,
    )
