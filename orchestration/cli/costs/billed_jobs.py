"""What the warehouse's own job list says of our jobs, by the label that says what each was for.

Belongs here: reading and adding up, and Google's list prices. Does not belong here: labels (spark_jobs.warehouse),
printing (command), what a bill would be (benchmarks).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from spark_jobs.settings import JobSettings
from spark_jobs.warehouse.job_labels import PIPELINE_LABEL, WORK_LABEL, sanitized
from spark_jobs.warehouse.job_limits import ON_DEMAND_DOLLARS_A_TIB

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

SLOT_HOUR_DOLLARS = 0.04
TIB = 2**40
UNLABELLED = "without a label"


@dataclass(frozen=True, slots=True)
class WorkTotals:
    """Jobs of one kind of work. Bytes and slots are None where the warehouse tells none, as the local one."""

    work: str
    jobs: int
    rows_changed: int
    seconds: float
    bytes_billed: int | None = None
    slot_hours: float | None = None

    @property
    def dollars_on_demand(self) -> float | None:
        """At the list price, before the free amount of each month."""
        return None if self.bytes_billed is None else self.bytes_billed / TIB * float(ON_DEMAND_DOLLARS_A_TIB)

    @property
    def dollars_by_slots(self) -> float | None:
        """At the list price of the Standard edition, without the autoscaler's rounding."""
        return None if self.slot_hours is None else self.slot_hours * SLOT_HOUR_DOLLARS


def jobs_sql(settings: JobSettings) -> str:
    """The job list by work, since @since. A script's job tells what its statements came to: these are left out."""
    jobs = f"`{settings.project}`.`region-{settings.location.lower()}`.INFORMATION_SCHEMA.JOBS"
    return f"""
        select
            coalesce((select any_value(l.value) from unnest(labels) as l where l.key = '{WORK_LABEL}'), '{UNLABELLED}')
                as work,
            count(*) as jobs,
            sum(coalesce(dml_statistics.inserted_row_count + dml_statistics.updated_row_count
                + dml_statistics.deleted_row_count, 0)) as rows_changed,
            sum(coalesce(timestamp_diff(end_time, start_time, millisecond), 0)) as milliseconds,
            sum(coalesce(total_bytes_billed, 0)) as bytes_billed,
            sum(coalesce(total_slot_ms, 0)) as slot_milliseconds
        from {jobs}
        where creation_time >= @since and parent_job_id is null
            and exists (select 1 from unnest(labels) as l where l.key = '{PIPELINE_LABEL}' and l.value = @pipeline)
        group by work
        """


def billed(client: "Client", settings: JobSettings, since: datetime) -> list[WorkTotals]:
    """By work, the dearest first."""
    from spark_jobs.warehouse.client import run

    rows = run(client, jobs_sql(settings), {"since": since, "pipeline": sanitized(settings.pipeline)})
    found = [
        WorkTotals(
            row["work"],
            row["jobs"],
            row["rows_changed"],
            row["milliseconds"] / 1000,
            row["bytes_billed"],
            row["slot_milliseconds"] / 3_600_000,
        )
        for row in rows
    ]
    return sorted(found, key=lambda totals: -(totals.bytes_billed or 0))


def listed(client: "Client", settings: JobSettings, since: datetime) -> list[WorkTotals]:
    """The same from the local warehouse, which scans without telling how much: the longest first."""
    jobs = client.list_jobs(all_users=True, min_creation_time=since)
    return added_up(jobs, sanitized(settings.pipeline))


def added_up(jobs: Iterable[Any], pipeline: str) -> list[WorkTotals]:
    """Jobs of a pipeline by work; a job that still runs has taken no time yet."""
    kept: dict[str, list[Any]] = defaultdict(list)
    for job in jobs:
        if job.labels.get(PIPELINE_LABEL) == pipeline:
            kept[job.labels.get(WORK_LABEL, UNLABELLED)].append(job)
    totals = [
        WorkTotals(
            work,
            len(each),
            sum(getattr(job, "num_dml_affected_rows", None) or getattr(job, "output_rows", None) or 0 for job in each),
            sum((job.ended - job.started).total_seconds() for job in each if job.started and job.ended),
        )
        for work, each in kept.items()
    ]
    return sorted(totals, key=lambda each: -each.seconds)
