"""Where the processor is a process of its own (spark_jobs.processor): Dagster starts none, and watches it publish.

Belongs here: asking whether that is so, what the decision then is, the newest batch for the record, which Dataproc does
not tell either. Does not belong here: reading what is published (backlog_reads).
"""

import os
from collections.abc import Mapping
from dataclasses import replace

import dagster as dg

from orchestration import names
from orchestration.automation.backlog import Action, BacklogDecision
from orchestration.automation.dbt_rebuild import newest_batch
from orchestration.dataproc.settings import KINDS
from spark_jobs.settings import SettingError

PROCESSORS = ("dagster", "outside", *KINDS)


def is_outside(env: Mapping[str, str] | None = None) -> bool:
    """Whether the streaming job is a process of its own.

    Raises:
        SettingError: PAYMENTS_PROCESSOR is none of them.
    """
    env = os.environ if env is None else env
    processor = env.get("PAYMENTS_PROCESSOR") or "dagster"
    if processor not in PROCESSORS:
        raise SettingError(f"PAYMENTS_PROCESSOR must be one of {', '.join(PROCESSORS)}, not {processor!r}.")
    return processor == "outside"


def left_to_it(decision: BacklogDecision) -> BacklogDecision:
    """The same decision, with nothing to start."""
    reason = f"the processor runs outside of Dagster: {decision.reason}"
    return replace(decision, action=Action.WAIT, reason=reason, run_key=None)


def record_newest_batch(instance: dg.DagsterInstance, batch: int) -> None:
    """A materialization of the newest published batch, once: the marts are built after it."""
    if batch not in (0, newest_batch(instance)):
        description = f"batch {batch} is published, by a process outside of Dagster"
        event = dg.AssetMaterialization(names.DELIVERIES, description=description, metadata={"batch_id": batch})
        instance.report_runless_asset_event(event)
