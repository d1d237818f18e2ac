"""What Dagster has on record of a check.

Belongs here: reading it back. Does not belong here: recording it (report), what follows from it (rules, notifications).
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

_LOOKED_AT = 5
"""The newest so many: a run of the check that is only planned says nothing yet."""


def evaluations(
    instance: dg.DagsterInstance, key: dg.AssetCheckKey
) -> Iterator[tuple[dg.AssetCheckEvaluation, datetime]]:
    """The newest evaluations and when they were made, the newest first."""
    for found in instance.event_log_storage.get_asset_check_execution_history(key, limit=_LOOKED_AT):
        event = found.event
        if event is not None and event.dagster_event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            evaluation = event.get_dagster_event().asset_check_evaluation_data
            yield evaluation, datetime.fromtimestamp(event.timestamp, UTC)
