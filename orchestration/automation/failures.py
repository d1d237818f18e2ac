"""Why a run failed, in one line, from what it left in Dagster's event log.

Belongs here: finding the cause; pure. Does not belong here: reading the log (sensors, platform).
"""

from collections.abc import Iterable

import dagster as dg

EVENT_TYPES = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.ASSET_CHECK_EVALUATION}
"""All that tell of a cause."""
SPEAKING = {"Incident", "BrokerUnreachable", "SettingError", "CommandError", "StackError"}
"""Exceptions whose message is one line that says what to do: what lies beneath is a client's own words."""
NAMED = 3
"""Failed checks that are named; of the others only how many there are."""


def cause_of(events: Iterable[dg.DagsterEvent]) -> str | None:
    """The checks that failed at ERROR where there are some, else the innermost cause of the step that failed.

    None where the events, of one run and in order, tell of neither.
    """
    cause: str | None = None
    failed: dict[str, bool] = {}
    for event in events:
        if event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            name = f"{check.asset_key.path[-1]}: {check.check_name}"
            failed[name] = not check.passed and check.severity is dg.AssetCheckSeverity.ERROR
        elif event.is_step_failure:
            cause = cause or _cause_of_step(event)
    checks = [name for name, has_failed in failed.items() if has_failed]
    if checks:
        more = f" and {len(checks) - NAMED} more" if len(checks) > NAMED else ""
        return f"checks failed: {', '.join(checks[:NAMED])}{more}"
    return cause


def _cause_of_step(event: dg.DagsterEvent) -> str:
    failure = event.step_failure_data
    described = failure.user_failure_data.description if failure.user_failure_data else None
    if described:
        return described
    error = failure.error
    while error and error.cause and error.cls_name not in SPEAKING:
        error = error.cause
    if error is None:
        return f"step {event.step_key} failed without a word"
    message = " ".join(error.message.split())
    # Dagster puts the class and its module before the words.
    return message.partition(": ")[2] if error.cls_name in SPEAKING else message
