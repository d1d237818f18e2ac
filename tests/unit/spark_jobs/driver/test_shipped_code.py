"""The file of our code: what is in it, that Python imports from it, and who is given it."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from spark_jobs.driver.shipped_code import code_conf, write_code

IMPORTED = (
    "import json, sys; from spark_jobs.streaming import plan; from spark_jobs.reading import records; "
    "from spark_jobs.driver import worker_daemon; "
    "json.dump([m.__file__ for n, m in sys.modules.items() if n.startswith('spark_jobs.')], sys.stdout)"
)
"""What an executor's Python imports, and where from."""


def test_a_worker_imports_all_that_it_runs_from_the_file_alone(tmp_path: Path) -> None:
    code = write_code(tmp_path)
    # As an executor starts Python: in the folder that holds the file, which is named by its name alone.
    command = [sys.executable, "-P", "-c", IMPORTED]
    done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": code.name}, capture_output=True, check=True)
    files = json.loads(done.stdout)
    assert len(files) > 10
    assert all(file.startswith(f"{code}/spark_jobs/") for file in files)


def test_the_file_is_named_by_what_is_in_it_and_holds_no_bytecode(tmp_path: Path) -> None:
    package = tmp_path / "package"
    (package / "__pycache__").mkdir(parents=True)
    (package / "__pycache__" / "a.pyc").touch()
    (package / "a.py").write_text("A = 1\n")
    first = write_code(tmp_path / "code", package)
    assert zipfile.ZipFile(first).namelist() == ["package/a.py"]
    written = first.stat().st_mtime_ns
    assert write_code(tmp_path / "code", package) == first
    assert first.stat().st_mtime_ns == written
    (package / "a.py").write_text("A = 2\n")
    assert write_code(tmp_path / "code", package) != first


@pytest.mark.parametrize("master", ["", "local[2]", "local-cluster[2,1,1024]", "k8s://https://10.0.0.1:443"])
def test_executors_that_have_the_code_are_given_none(master: str, tmp_path: Path) -> None:
    assert code_conf(master, tmp_path) == {}
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("master", ["spark://master:7077", "yarn"])
def test_executors_elsewhere_fetch_the_file_and_have_it_on_their_path(master: str, tmp_path: Path) -> None:
    conf = code_conf(master, tmp_path)
    code = Path(conf["spark.files"])
    assert code.parent == tmp_path / "run" / "code"
    assert conf["spark.executorEnv.PYTHONPATH"] == code.name
