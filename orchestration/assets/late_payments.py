"""What is decided of late money before the models are built, as an asset.

Belongs here: applying the policy. Does not belong here: what an admission is (spark_jobs.corrections), a person's
decisions (cli.decisions).
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from orchestration import names
from orchestration.automation.backlog_reads import read_published
from orchestration.settings import StackSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.correction_kinds import Correction
from spark_jobs.warehouse.job_labels import Work


@dg.asset(
    key=names.CORRECTIONS,
    description=catalog.CORRECTIONS.description,
    group_name="streaming",
    kinds={"bigquery"},
    owners=names.OWNERS,
)
def payment_corrections(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[StackSettings], bigquery: dg.ResourceParam[Any]
) -> dg.MaterializeResult[None]:
    """Admit the late payments that wait, where PAYMENTS_LATE_POLICY says so. The run notes which decisions it sees."""
    admitted = _admitted(settings, bigquery) if settings.late_policy == "admit" else 0
    # Before the models are built: what is decided from here on is the next build's.
    published = read_published(settings, bigquery)
    decisions = published.decisions if published else 0
    context.instance.add_run_tags(context.run.run_id, {names.BUILT_DECISIONS_TAG: str(decisions)})
    return dg.MaterializeResult(
        metadata={"late_policy": settings.late_policy, "admitted_late": admitted, "decisions": decisions}
    )


def _admitted(settings: StackSettings, bigquery: Any) -> int:
    """How many late payments are admitted now: by the queue, so that no batch loses against it."""
    from spark_jobs.corrections.kept_records import Selection
    from spark_jobs.corrections.late_payments import undecided
    from spark_jobs.decision_queue.asking import decide_by_queue
    from spark_jobs.decision_queue.request import Kind, Request, late_arguments
    from spark_jobs.turns.by_setting import turn_of

    with bigquery.get_client(Work.DECISION) as client:
        chosen = Selection().recent(datetime.now(UTC))
        if not undecided(client, settings.job, replace(chosen, limit=1)):
            return 0
        arguments = late_arguments(chosen, Correction.ADMITTED_LATE)
        request = Request(Kind.LATE, arguments, "PAYMENTS_LATE_POLICY", "the policy admits late payments")
        done = decide_by_queue(client, settings.job, request, turn_of(settings.job, settings.home))
    if done.why_not:
        raise dg.Failure(done.why_not)
    return done.decided
