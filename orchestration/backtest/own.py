"""A backtest on one's own payments, by the labels that people gave them.

Belongs here: which payments are judged, reading them. Does not belong here: simulated payments (run), judging
(scoring), writing labels (spark_jobs.fraud). What nobody has labelled counts as honest, so payments are judged only
once their labels have had time to come: a chargeback takes days.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from orchestration.backtest.run import MAX_ALERTS_A_DAY, judged, refuse_out_of_range
from orchestration.backtest.scoring import Backtest, Team
from orchestration.errors import CommandError
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.names import dataset_of
from spark_jobs.utc_days import beginning_of

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


@dataclass(frozen=True, slots=True)
class OwnConfig:
    """How many days are judged, how long a label may take to come, and what a team can look at.

    Raises:
        SettingError: a value is out of its range.
    """

    days: int = 28
    label_delay_days: int = 7
    alerts_a_day: int = 10

    def __post_init__(self) -> None:
        """Refuse what would say nothing."""
        refuse_out_of_range(
            ("--own-days", self.days, 1, 366),
            ("--label-delay-days", self.label_delay_days, 0, 366),
            ("--alerts-a-day", self.alerts_a_day, 1, MAX_ALERTS_A_DAY),
        )

    def period(self, now: datetime) -> tuple[datetime, datetime]:
        """Whole UTC days of event_time, from and until: the last one ended `label_delay_days` ago."""
        until = beginning_of(now.astimezone(UTC).date()) - timedelta(days=self.label_delay_days)
        return until - timedelta(days=self.days), until


@dataclass(frozen=True, slots=True)
class OwnBacktest:
    """The result, by so many payments that are labelled as fraud, made between the two moments."""

    since: datetime
    until: datetime
    labelled: int
    backtest: Backtest

    @property
    def title(self) -> str:
        """What was judged, in words."""
        last = (self.until - timedelta(days=1)).date()
        return f"Your own payments of {self.since.date()} to {last}, of which {self.labelled} are labelled as fraud"


def own_backtest(client: "Client", settings: JobSettings, config: OwnConfig, now: datetime) -> OwnBacktest | None:
    """Judge every version of the rules by the labels of payments; None where no payment of the period has one.

    Raises:
        CommandError: the models are not built.
    """
    from google.api_core.exceptions import NotFound

    from spark_jobs.warehouse.client import run
    from spark_jobs.warehouse.table_setup import look

    if catalog.FRAUD_LABELS.name not in look(client, settings).tables:
        return None
    since, until = config.period(now)
    [counted] = run(client, labelled_sql(settings), {"since": since, "until": until})
    if not counted["labelled"]:
        return None
    dataset = f"`{dataset_of(settings, catalog.Layer.MARTS)}`"
    team = Team(config.alerts_a_day, config.days)
    try:
        result = judged(client, dataset, fraudulent_sql(settings), (since, until), team)
    except NotFound as error:
        raise CommandError("The fraud scores are not built yet: run `payments build`.") from error
    return OwnBacktest(since, until, counted["labelled"], result)


def fraudulent_sql(settings: JobSettings) -> str:
    """A query in brackets: each payment that is labelled as fraud, its label as its typology."""
    from spark_jobs.fraud.labels import FRAUDULENT, newest_labels_sql

    named = ", ".join(f"'{label}'" for label in FRAUDULENT)
    return f"""(
        select transaction_id, event_time, lower(label) as typology from {newest_labels_sql(settings)}
        where label in ({named})
    )"""


def labelled_sql(settings: JobSettings) -> str:
    """How many payments of a period are labelled as fraud."""
    return f"""
        select count(*) as labelled from {fraudulent_sql(settings)}
        where event_time >= @since and event_time < @until
        """
