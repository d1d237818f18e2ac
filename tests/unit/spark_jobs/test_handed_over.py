"""The main file of what is handed over: its settings are its arguments, its turn is the lease, its end one line."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from spark_jobs import handed_over
from spark_jobs.driver.shipped_code import write_code
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.settings import JobSettings
from tests.unit.orchestration.dataproc.examples import SERVERLESS
from tests.unit.orchestration.dataproc.examples import handed_over as submission

SESSION = SimpleNamespace(version="4.0.1", sparkContext=SimpleNamespace(setLogLevel=lambda _: None))


@pytest.fixture
def arguments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Those of a request, in a process with nothing of ours in its environment."""
    mapping = tmp_path / "mapping.toml"
    mapping.write_text("[payment]\nid = 'a=b'\n")
    found = list(submission(SERVERLESS | {"PAYMENTS_EVENT_MAPPING": str(mapping)}).arguments)
    mapping.unlink()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", {})
    module = ModuleType("pyspark.sql")
    module.SparkSession = SimpleNamespace(builder=SimpleNamespace(getOrCreate=lambda: SESSION))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyspark.sql", module)
    return found


def test_the_run_has_the_settings_of_the_request_and_waits_for_the_lease(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    drained: dict[str, Any] = {}

    def drain(spark: object, settings: JobSettings, **options: Any) -> list[object]:
        drained.update(options, spark=spark, settings=settings)
        return []

    monkeypatch.setattr(handed_over, "drain", drain)
    handed_over.main(arguments)
    settings = drained["settings"]
    assert drained["spark"] is SESSION, "the service's own"
    assert (settings.project, settings.turn) == ("acme-payments", "lease")
    assert Path(settings.event_mapping).read_text() == "[payment]\nid = 'a=b'\n"
    assert (drained["idle_seconds"], drained["max_seconds"], drained["batch_seconds"]) == (20, 600, 0)
    assert drained["turn"].func.__name__ == "_of_the_warehouse"


def test_what_stops_it_is_the_last_line_of_its_log(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise Incident(IncidentKind.TOPIC_RECREATED, "the topic is another one.")

    monkeypatch.setattr(handed_over, "drain", stop)
    with pytest.raises(SystemExit) as ended:
        handed_over.main(arguments)
    assert ended.value.code == "TOPIC_RECREATED: the topic is another one."


def test_another_spark_than_the_jars_are_for_is_one_line(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SESSION, "version", "4.1.2")
    with pytest.raises(SystemExit, match=r"Spark is 4.1.2 here, and the jars that were handed over are for 4.0"):
        handed_over.main(arguments)


def test_a_setting_that_is_wrong_there_is_one_line_too(arguments: list[str]) -> None:
    settings = json.dumps({"PAYMENTS_TURN": "flag"})
    with pytest.raises(SystemExit, match="PAYMENTS_TURN must be one of"):
        handed_over.main([each for each in arguments if not each.startswith("--settings")] + [f"--settings={settings}"])


def test_a_file_of_its_own_beside_the_package_is_all_that_it_takes(tmp_path: Path) -> None:
    """As Dataproc has it: the main file in one folder, the package as a ZIP file on the path."""
    package = write_code(tmp_path / "code")
    with zipfile.ZipFile(package) as code:
        main = Path(code.extract("spark_jobs/handed_over.py", tmp_path)).rename(tmp_path / "main.py")
    env = {"PYTHONPATH": str(package), "PATH": os.environ["PATH"]}
    command = [sys.executable, str(main), "--help"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    assert "--settings" in done.stdout
