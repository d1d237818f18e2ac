"""Why a run failed, of real runs of small jobs: in one line, whatever Dagster wraps around it."""

from collections.abc import Sequence

import dagster as dg
import pytest

from local_stack.processes import StackError
from orchestration.automation.failures import cause_of
from orchestration.errors import CommandError
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.settings import SettingError
from spark_jobs.source.topic import BrokerUnreachable


def events_of(*definitions: dg.AssetsDefinition | dg.AssetChecksDefinition) -> Sequence[dg.DagsterEvent]:
    """Of a run of all of them."""
    defs = dg.Definitions(
        assets=[each for each in definitions if not isinstance(each, dg.AssetChecksDefinition)],
        asset_checks=[each for each in definitions if isinstance(each, dg.AssetChecksDefinition)],
    )
    return defs.resolve_implicit_global_asset_job_def().execute_in_process(raise_on_error=False).all_events


def test_the_cause_is_the_innermost_also_after_the_last_retry() -> None:
    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=1))
    def fails() -> None:
        try:
            raise OSError("the broker is\n away")
        except OSError as error:
            raise RuntimeError("something failed") from error

    assert cause_of(events_of(fails)) == "OSError: the broker is away"


@pytest.mark.parametrize(
    "stopped",
    [
        BrokerUnreachable("Kafka at 127.0.0.1:9092: it did not answer: start it"),
        Incident(IncidentKind.WAREHOUSE_FAILED, "the warehouse refused or was silent: no answer"),
        SettingError("DAGSTER_PORT must be a port."),
        CommandError("dbt could not build: run `make setup`"),
        StackError("The warehouse does not answer: run `payments up`"),
    ],
    ids=lambda stopped: type(stopped).__name__,
)
def test_an_error_of_ours_is_taken_at_its_word_whatever_lies_beneath(stopped: Exception) -> None:
    @dg.asset
    def fails() -> None:
        raise stopped from OSError("what a client says of itself")

    assert cause_of(events_of(fails)) == str(stopped)


def test_a_failure_that_describes_itself_is_taken_at_its_word() -> None:
    @dg.asset
    def fails() -> None:
        raise dg.Failure("the topic was made anew: say `payments accept-gap`", allow_retries=False)

    assert cause_of(events_of(fails)) == "the topic was made anew: say `payments accept-gap`"


def test_failed_checks_are_named_and_warnings_are_none() -> None:
    @dg.asset(check_specs=[dg.AssetCheckSpec(name, asset="table") for name in ("a", "b", "c", "d", "e", "good")])
    def table() -> object:
        for name in "abcde":
            severity = dg.AssetCheckSeverity.WARN if name == "a" else dg.AssetCheckSeverity.ERROR
            yield dg.AssetCheckResult(passed=False, check_name=name, severity=severity)
        yield dg.AssetCheckResult(passed=True, check_name="good")
        yield dg.Output(None)
        raise RuntimeError("dbt left with exit code 1")

    assert cause_of(events_of(table)) == "checks failed: table: b, table: c, table: d and 1 more"


def test_a_run_in_which_nothing_failed_has_no_cause() -> None:
    @dg.asset
    def good() -> None:
        return None

    assert cause_of(events_of(good)) is None
