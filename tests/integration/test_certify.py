"""`payments certify` on the local warehouse: what it can show is shown, and what it cannot is never called shown."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from google.cloud.bigquery._http import Connection

from orchestration.certify import batches
from orchestration.certify.findings import STAND_IN_LACKS, Verdict
from orchestration.certify.ground import PREFIX, ground
from orchestration.certify.run import certify
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.settings import JobSettings
from spark_jobs.sinks.bigquery import publish_sql as transaction
from spark_jobs.sinks.bigquery.store import WarehouseStore
from spark_jobs.streaming.locations import Locations
from spark_jobs.tables.columns import Layer
from spark_jobs.warehouse.client import connect
from tests.cloud_permissions import needed_by_dataset
from tests.terraform_files import permissions_of

pytestmark = [pytest.mark.integration, pytest.mark.thorough]

ANYWHERE = permissions_of("stream", "project")
"""To start jobs is of the project, whatever they read."""
UNSHOWN = {question for question, reason in STAND_IN_LACKS.items() if reason}


def datasets(settings: JobSettings) -> list[str]:
    with connect(settings) as client:
        return [item.dataset_id for item in client.list_datasets() if item.dataset_id.startswith(PREFIX)]


@pytest.fixture
def job(warehouse: JobSettings, tmp_path: Path) -> JobSettings:
    return replace(warehouse, staging_location=(tmp_path / "staging").as_uri())


def test_every_question_is_answered_or_said_to_be_beyond_the_stand_in(job: JobSettings, tmp_path: Path) -> None:
    report = certify(replace(job, raw_dataset="raw"))
    seen = {finding.question: finding for finding in report.findings}
    failed = [finding for finding in report.findings if finding.verdict is Verdict.FAILED]
    assert not failed
    assert {question for question, f in seen.items() if f.verdict is Verdict.NOT_SHOWN} == UNSHOWN
    assert report.latencies.keys() == {"load job, median", "transaction, median"}
    assert (report.is_bigquery, report.bytes_billed, report.has_failed) == (False, None, False)
    assert not datasets(job)
    assert not [path for path in (tmp_path / "staging").rglob("*") if path.is_file()]
    written, page = report.write(tmp_path)
    assert json.loads(written.read_text())["cleaned_up"] is True
    assert "nothing here is a statement about BigQuery" in page.read_text()


def test_a_warehouse_without_its_guards_fails_and_is_cleaned_up_all_the_same(
    job: JobSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = transaction.publish_sql

    def torn(*arguments: object, **options: object) -> str:
        text = whole(*arguments, **options)  # type: ignore[arg-type]
        return text.replace("begin transaction;", "").replace("commit transaction;", "")

    monkeypatch.setattr("spark_jobs.sinks.bigquery.publisher.publish_sql", torn)
    monkeypatch.setattr(batches, "TIMED_BATCHES", 1)
    monkeypatch.setattr("orchestration.certify.run.QUESTIONS", {})
    report = certify(job)
    failed = {finding.question for finding in report.findings if finding.verdict is Verdict.FAILED}
    assert "a run that was overtaken publishes nothing" in failed
    assert report.has_failed
    assert not datasets(job)


def test_whatever_stops_it_the_dataset_goes(job: JobSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_ground: object) -> str:
        sys.exit("stopped")

    monkeypatch.setattr("orchestration.certify.run.QUESTIONS", {"is it there?": stop})
    with pytest.raises(SystemExit):
        certify(job)
    assert not datasets(job)


def test_a_first_start_a_batch_and_a_rebuilt_checkpoint_need_no_more_than_the_streams_roles_on_each_layer(
    job: JobSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, str, Any]] = []
    send: Any = Connection.api_request

    def noted(connection: Connection, **request: Any) -> Any:
        sent.append((request["method"], request["path"], request.get("data")))
        return send(connection, **request)

    with ground(replace(job, raw_dataset="raw")) as here, monkeypatch.context() as recording:
        recording.setattr(Connection, "api_request", noted)
        batches.Batches(here).questions()["batches are published by one load job and one transaction each"](here)
        store = WarehouseStore(here.client, here.settings)
        control = store.read_control()
        assert control
        store.sweep(control)
        store.start_generation(control, "g2")
        folder = here.settings.staging_location
        assert store.seed_state(control, Locations(f"{folder}/checkpoint", f"{folder}/g2")) > 0
        store.record(Incident(IncidentKind.OFFSET_GAP, "made up"), control.epoch)
    layers = {"": "project", here.settings.dataset: Layer.OPERATIONS, here.settings.raw_dataset: Layer.RAW}
    asked = [(layers[place], needs) for each in sent for place, needs in needed_by_dataset(*each).items()]
    assert {layer for layer, needs in asked if "bigquery.tables.updateData" in needs} == {Layer.OPERATIONS, Layer.RAW}
    assert [each for each in asked if not each[1] <= permissions_of("stream", each[0]) | ANYWHERE] == []
    assert [each for each in asked if not each[1] <= permissions_of("analysts", each[0]) | ANYWHERE]
