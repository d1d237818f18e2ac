"""What a job may take at most, by what it is for: seconds, and bytes billed.

Belongs here: the limits, and setting them on a client with the labels. Does not belong here: waiting for a job
(retries), what the meter says (benchmarks.bytes, which writes the figures beside this module).
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from spark_jobs.settings import JobSettings
from spark_jobs.warehouse.job_labels import Work, labels_of
from spark_jobs.warehouse.retries import JOB_SECONDS

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

FIGURES = files("spark_jobs.warehouse") / "job_bytes.json"
"""By work and days kept: the bytes of its largest statement at FIGURES_PER_SECOND, by `make bytes`."""
FIGURES_PER_SECOND = 10_000
FIGURES_LOOKBACK_DAYS = 3
RENEWAL = "renewal"
"""In FIGURES, a batch that has to search the look-back's days in the warehouse. It has a batch's label."""
FULL = "full"
"""In FIGURES, a verification of all that is stored."""
_SOMETIMES = {Work.BATCH: RENEWAL} | dict.fromkeys((Work.VERIFY, Work.DECISION, Work.ERASURE), FULL)
"""What some work comes to where it has to look at more than it mostly does: at old days, or at everything again."""

ON_DEMAND_DOLLARS_A_TIB = Decimal("6.25")
"""BigQuery's list price on demand, United States."""

ROOM = 4
"""How many times the meter's figure a statement may be billed: a busy day, and what the meter leaves out."""
LEAST_BYTES = 100 * 2**30
"""No limit is lower: 62 cents on demand are not worth a run that stops."""
LONG_SECONDS = 3_600.0
"""How long a job may take that no batch waits for."""
_QUICK = (Work.BATCH, Work.WATCH, Work.PLATFORM, Work.TURN)


def most_seconds(work: Work) -> float:
    """How long a job may run: BigQuery is told, and nobody waits longer."""
    return JOB_SECONDS if work in _QUICK else LONG_SECONDS


def most_bytes(settings: JobSettings, work: Work) -> int:
    """How much a statement may be billed: the meter's figure for the planned traffic, with room.

    What the meter has no recording of yet gets the largest figure of all: it reads no more than is stored.
    """
    known = figures()
    sent = [known[name] for name in (work, _SOMETIMES.get(work, work)) if name in known]
    by_days = {days: max(each[days] for each in sent or known.values()) for days in known[Work.BATCH]}
    scale = settings.planned_per_second / FIGURES_PER_SECOND
    if work is Work.BATCH:
        scale *= max(1.0, settings.lookback_days / FIGURES_LOOKBACK_DAYS)
    return max(LEAST_BYTES, round(ROOM * scale * _on_day(by_days, settings.planned_days)))


def _on_day(by_days: Mapping[int, int], days: int) -> float:
    """The figure of the next greater number of days; beyond the last, as many times more."""
    last = max(by_days)
    return by_days[min((known for known in by_days if known >= days), default=last)] * max(1.0, days / last)


@cache
def figures() -> Mapping[str, Mapping[int, int]]:
    """By work, then by days kept."""
    return {
        work: {int(days): count for days, count in by_days.items()}
        for work, by_days in json.loads(FIGURES.read_text()).items()
    }


def prepare_jobs(client: "Client", pipeline: str, work: Work, bytes_billed: int) -> None:
    """From now on every query and load job of a client carries its labels and its limits."""
    from google.cloud.bigquery import LoadJobConfig, QueryJobConfig

    labels, milliseconds = dict(labels_of(work, pipeline)), round(most_seconds(work) * 1000)
    client.default_query_job_config = QueryJobConfig(
        labels=labels, maximum_bytes_billed=bytes_billed, job_timeout_ms=milliseconds
    )
    client.default_load_job_config = LoadJobConfig(labels=labels, job_timeout_ms=milliseconds)
