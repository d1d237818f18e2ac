"""What is decided of late money before the models are built, as an asset.

Belongs here: applying the policy. Does not belong here: what an admission is (spark_jobs.corrections), a person's
decisions (cli.decisions).
"""

from typing import Any

import dagster as dg

from orchestration import names
from orchestration.settings import StackSettings
from spark_jobs.tables import catalog


@dg.asset(
    key=names.CORRECTIONS,
    description=catalog.CORRECTIONS.description,
    group_name="streaming",
    kinds={"bigquery"},
    owners=names.OWNERS,
)
def payment_corrections(
    settings: dg.ResourceParam[StackSettings], bigquery: dg.ResourceParam[Any]
) -> dg.MaterializeResult[None]:
    """Admit the late payments that wait, where PAYMENTS_LATE_POLICY says so."""
    from spark_jobs.corrections.kept_records import Selection
    from spark_jobs.corrections.late_payments import decide_late
    from spark_jobs.tables.correction_kinds import Correction

    if settings.late_policy != "admit":
        return dg.MaterializeResult(metadata={"late_policy": settings.late_policy, "admitted_late": 0})
    with bigquery.get_client() as client:
        admitted = decide_late(
            client,
            settings.job,
            Selection(),
            Correction.ADMITTED_LATE,
            decided_by="PAYMENTS_LATE_POLICY",
            reason="the policy admits late payments",
        )
    return dg.MaterializeResult(metadata={"late_policy": settings.late_policy, "admitted_late": len(admitted)})
