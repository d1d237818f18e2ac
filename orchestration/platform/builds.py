"""A build that a command asks for: run, and its checks printed.

Belongs here: that. Does not belong here: when a sensor builds (automation).
"""

from orchestration.presentation.console import say, table
from orchestration.settings import StackSettings


def build_and_show(settings: StackSettings) -> bool:
    """Build and print the checks; whether all went well."""
    from orchestration.platform.job_runs import build_warehouse

    outcome = build_warehouse(settings, say)
    counts = outcome.counts()
    for check in outcome.not_passed():
        say(f"{check.verdict}: {check.asset}: {check.name}")
    table("Checks", ("asset", "passed", "warned", "failed"), counts)
    say(f"{outcome.passed} of {len(outcome.checks)} checks passed; {outcome.materialized} models are built.")
    if outcome.error:
        say(f"The build failed: {outcome.error}")
    return outcome.is_good
