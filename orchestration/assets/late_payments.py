"""What is decided of late money before the models are built, as an asset.

Belongs here: applying the policy. Does not belong here: what an admission is (spark_jobs.corrections), a person's
decisions (cli.decisions).
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from orchestration import names
from orchestration.automation.dbt_rebuild import decisions_made
from orchestration.settings import StackSettings
from spark_jobs.tables import catalog
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
    from spark_jobs.corrections.kept_records import Selection
    from spark_jobs.corrections.late_payments import decide_late
    from spark_jobs.tables.correction_kinds import Correction

    admitted: Sequence[object] = ()
    if settings.late_policy == "admit":
        with bigquery.get_client(Work.DECISION) as client:
            admitted = decide_late(
                client,
                settings.job,
                Selection(),
                Correction.ADMITTED_LATE,
                decided_by="PAYMENTS_LATE_POLICY",
                reason="the policy admits late payments",
            )
    # Before the models are built: what is decided from here on is the next build's.
    decisions = decisions_made(settings.job, bigquery)
    context.instance.add_run_tags(context.run.run_id, {names.BUILT_DECISIONS_TAG: str(decisions)})
    return dg.MaterializeResult(
        metadata={"late_policy": settings.late_policy, "admitted_late": len(admitted), "decisions": decisions}
    )
