"""A build that a command asks for: run, and its checks printed; and who builds after a decision.

Belongs here: that. Does not belong here: when a sensor builds (automation).
"""

from orchestration.platform.stack import Stack
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


def build_after_decision(settings: StackSettings) -> bool:
    """Have the models built anew after a decision, and say by whom; whether all went well, as far as it is known.

    Where Dagster runs on this machine its rebuild sensor sees the decision in pipeline_control; else it is built here.
    """
    if is_sensor_at_work(settings):
        say("The models: Dagster's rebuild sensor sees the decision and builds them.")
        return True
    say("The models: Dagster's rebuild sensor is not running, so they are built here.")
    return build_and_show(settings)


def is_sensor_at_work(settings: StackSettings) -> bool:
    """Whether Dagster runs here and nobody has switched its rebuild sensor off."""
    if Stack(settings).dagster.pid() is None:
        return False
    from dagster._core.scheduler.instigation import InstigatorStatus

    from orchestration import names
    from orchestration.platform.dagster_home import open_instance

    with open_instance(settings) as instance:
        stopped = instance.all_instigator_state(instigator_statuses={InstigatorStatus.STOPPED})
    return all(state.instigator_name != names.REBUILD_SENSOR for state in stopped)
