"""Asks every question, one after the other, and makes the report.

Belongs here: the order, and what is measured over all. Does not belong here: the questions (statements, batches).
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from statistics import median

from orchestration.certify.batches import Batches
from orchestration.certify.findings import Finding, judged
from orchestration.certify.ground import Ground, ground
from orchestration.certify.report import Report
from orchestration.certify.statements import QUESTIONS
from spark_jobs.incidents import CheckpointUnusable, Incident
from spark_jobs.settings import JobSettings
from spark_jobs.warehouse.job_labels import PIPELINE_LABEL


def certify(job: JobSettings, on_finding: Callable[[Finding], None] = lambda _: None) -> Report:
    """Ask everything in a dataset of its own, which is gone afterwards.

    Args:
        job: names the project, the location and where files are staged; nothing of its dataset is touched.
        on_finding: told of each finding at once.
    """
    from google.api_core.exceptions import NotFound

    from spark_jobs.warehouse.client import connect
    from spark_jobs.warehouse.retries import bounds, failures

    asked_at = datetime.now(UTC)
    with ground(job) as here:
        report = _asked(here, asked_at, on_finding, (*failures(), Incident, CheckpointUnusable))
    with connect(job) as client:
        for dataset in here.settings.datasets:
            try:
                client.get_dataset(f"{here.settings.project}.{dataset}", **bounds())
            except NotFound:
                continue
            return report
    return replace(report, cleaned_up=True)


def _asked(
    here: Ground, asked_at: datetime, on_finding: Callable[[Finding], None], errors: tuple[type[Exception], ...]
) -> Report:
    batches, findings = Batches(here), []
    for question, ask in {**QUESTIONS, **batches.questions()}.items():
        finding = judged(lambda ask=ask: ask(here), question, is_local=here.is_local, errors=errors)  # type: ignore[misc]
        findings.append(finding)
        on_finding(finding)
    return Report(
        asked_at=asked_at.isoformat(timespec="seconds"),
        warehouse="local-bigquery" if here.is_local else f"project {here.settings.project}",
        location=here.settings.location,
        is_bigquery=not here.is_local,
        findings=findings,
        latencies={
            name: median(values)
            for name, values in {
                "load job, median": [report.load_seconds for report in batches.reports],
                "transaction, median": [report.transaction_seconds for report in batches.reports],
            }.items()
            if values
        },
        bytes_billed=None if here.is_local else _billed(here, asked_at),
        cleaned_up=False,
    )


def _billed(here: Ground, since: datetime) -> int:
    """All that certify's own jobs were billed: a script's statements are in the script's own figure."""
    jobs = here.client.list_jobs(min_creation_time=since)
    return sum(
        int(getattr(job, "total_bytes_billed", None) or 0)
        for job in jobs
        if (job.labels or {}).get(PIPELINE_LABEL) == here.settings.pipeline and not job.parent_job_id
    )
