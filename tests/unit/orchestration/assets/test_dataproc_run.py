"""The streaming asset where Spark is at Dataproc: no session here, and a failure there is not tried again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration import names
from orchestration.assets import dataproc_run
from orchestration.assets.streaming import publish_payments
from orchestration.automation.heartbeats import beats_in
from orchestration.dataproc.errors import DataprocFailed, DataprocUnreachable
from orchestration.dataproc.request import Submission
from orchestration.dataproc.services import Seen, State
from orchestration.dataproc.settings import DEFAULT_SPARK
from orchestration.settings import read_stack_settings
from tests.unit.orchestration.dataproc.examples import FILES, FOLDER, SERVERLESS

WELL = Seen(State.SUCCEEDED, "SUCCEEDED", "", "https://console/batch", "gs://acme-staging/driveroutput")


class NoSpark:
    @property
    def spark_session(self) -> object:
        raise AssertionError("a session here would be a second one")


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], list[Submission]]:
    """Have a run end in this way; returns what was handed over."""

    def end(how: Any) -> list[Submission]:
        given: list[Submission] = []

        @contextmanager
        def service(_dataproc: object) -> Iterator[str]:
            yield "service"

        def run_shift(_service: str, submission: Submission, say: Callable[[str], None]) -> Seen:
            given.append(submission)
            say("under way")
            if isinstance(how, Exception):
                raise how
            seen: Seen = how
            return seen

        def upload_code(_home: Path, folder: str, spark: str, **_: object) -> object:
            assert (folder, spark) == (FOLDER, DEFAULT_SPARK)
            return FILES

        monkeypatch.setattr(dataproc_run, "open_service", service)
        monkeypatch.setattr(dataproc_run, "run_shift", run_shift)
        monkeypatch.setattr(dataproc_run, "upload_code", upload_code)
        return given

    return end


def run(tmp_path: Path, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    settings = read_stack_settings(SERVERLESS | {"PAYMENTS_HOME": str(tmp_path), "DBT_TARGET": "production"})
    return dg.materialize(
        [publish_payments],
        instance=instance,
        resources={"settings": settings, "spark": NoSpark()},
        run_config={"ops": {names.PUBLISH_OP: {"config": {"idle_seconds": 5, "max_seconds": 900}}}},
        raise_on_error=False,
    )


def test_a_run_is_handed_over_with_its_shift_and_says_where_it_went(
    tmp_path: Path, ends: Callable[[Any], list[Submission]]
) -> None:
    given = ends(WELL)
    with dg.DagsterInstance.ephemeral() as instance:
        result = run(tmp_path, instance)
        [of_the_run] = instance.fetch_materializations(dg.AssetKey([names.PREFIX, "batch_ledger"]), limit=10).records
        assert result.run_id in beats_in(instance), "it is told alive while it waits"
    assert result.success
    [submission] = given
    assert submission.run_id == result.run_id
    assert {"--idle-seconds=5", "--max-seconds=900"} <= set(submission.arguments)
    told = of_the_run.asset_materialization
    assert told is not None
    assert told.metadata["page"].value == "https://console/batch"
    assert told.metadata["driver_log"].value == "gs://acme-staging/driveroutput"


def test_a_failure_is_one_line_with_dataprocs_words_beside_it_and_is_not_tried_again(
    tmp_path: Path, ends: Callable[[Any], list[Submission]]
) -> None:
    given = ends(DataprocFailed("batch a ended as FAILED: https://console/batch", "words", "https://console/batch"))
    with dg.DagsterInstance.ephemeral() as instance:
        result = run(tmp_path, instance)
    [failure] = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert failure.user_failure_data is not None
    assert failure.user_failure_data.description == "batch a ended as FAILED: https://console/batch"
    assert failure.user_failure_data.metadata["dataproc_says"].value == "words"
    assert "driver_log" not in failure.user_failure_data.metadata
    assert len(given) == 1


def test_a_setting_that_is_wrong_is_one_line_and_is_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    with dg.DagsterInstance.ephemeral() as instance:
        result = run(tmp_path, instance)
    [failure] = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert failure.user_failure_data is not None
    assert "has no jar" in (failure.user_failure_data.description or "")


def test_where_nobody_can_say_what_became_of_it_the_step_asks_again_for_the_same_run(
    tmp_path: Path, ends: Callable[[Any], list[Submission]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    given = ends(DataprocUnreachable("no answer"))
    with dg.DagsterInstance.ephemeral() as instance:
        run(tmp_path, instance)
    assert len(given) == 3
    assert len({submission.name for submission in given}) == 1
