"""Where the processor runs outside of Dagster: nothing is started, and its newest batch is recorded once."""

from pathlib import Path
from typing import Any, cast

import dagster as dg
import pytest

from orchestration import names
from orchestration.automation import backlog_reads
from orchestration.automation.backlog import Action, Published
from orchestration.automation.dbt_rebuild import newest_batch
from orchestration.automation.outside import is_outside
from orchestration.settings import read_stack_settings
from spark_jobs.settings import SettingError
from spark_jobs.source.topic import TopicState
from tests.unit.orchestration.dataproc.examples import SERVERLESS


class Broker:
    def read(self) -> TopicState:
        return TopicState("payment-events", "topic-1", {0: 0}, {0: 12})


def test_by_default_the_processor_is_a_run_of_dagsters() -> None:
    assert not is_outside({})
    assert is_outside({"PAYMENTS_PROCESSOR": "outside"})
    assert not is_outside(SERVERLESS)
    with pytest.raises(SettingError, match=r"must be one of dagster, outside, dataproc, .*, not 'elsewhere'"):
        is_outside({"PAYMENTS_PROCESSOR": "elsewhere"})


@pytest.mark.parametrize("processor", ["dagster", "outside", "dataproc-serverless"])
def test_a_backlog_is_left_to_a_processor_that_runs_outside(
    processor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYMENTS_PROCESSOR", processor)
    monkeypatch.setattr(backlog_reads, "read_published", lambda *_: Published("topic-1", {0: 10}, last_batch_id=7))
    settings = read_stack_settings(
        (SERVERLESS | {"DBT_TARGET": "production"} if processor == SERVERLESS["PAYMENTS_PROCESSOR"] else {})
        | {"PAYMENTS_HOME": str(tmp_path)}
    )
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(2):
            decision = backlog_reads.observe_backlog(settings, cast("Any", Broker()), cast("Any", None), instance)
        recorded = instance.fetch_materializations(names.DELIVERIES, limit=9).records
        if processor == "outside":
            assert (decision.action, decision.run_key) == (Action.WAIT, None)
            assert decision.reason == "the processor runs outside of Dagster: 2 records are waiting after 0:10"
            assert newest_batch(instance) == 7, "the sensor that builds the marts goes by it"
            assert len(recorded) == 1
        else:
            assert decision.action is Action.LAUNCH
            assert len(recorded) == (0 if processor == "dagster" else 1), "a run at Dataproc records no batches itself"
