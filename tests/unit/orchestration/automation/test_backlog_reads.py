"""What the decision on the backlog reads where there is nothing yet."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import dagster as dg
import pytest
from google.api_core.exceptions import NotFound

from orchestration.automation.backlog import Action
from orchestration.automation.backlog_reads import observe_backlog
from orchestration.settings import read_stack_settings
from spark_jobs.source.topic import TopicState
from spark_jobs.warehouse import control_row


class Broker:
    def read(self) -> TopicState:
        return TopicState("payment-events", "topic-1", {0: 0}, {0: 12})


class BigQuery:
    def get_client(self) -> Any:
        return nullcontext()


def test_a_dataset_that_is_not_there_is_made_by_the_first_run_which_the_sensor_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object) -> None:
        raise NotFound("Dataset p:payment_data was not found in location US")  # type: ignore[no-untyped-call]

    monkeypatch.setattr(control_row, "read_control", read)
    settings = read_stack_settings({"PAYMENTS_HOME": str(tmp_path)})
    with dg.DagsterInstance.ephemeral() as instance:
        decision = observe_backlog(settings, cast("Any", Broker()), cast("Any", BigQuery()), instance)
    assert decision.action is Action.LAUNCH
