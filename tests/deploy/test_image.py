"""The image as it runs: without privileges, without a shell, on a root that nobody writes to; each part starts.

`make image` runs these; elsewhere they are skipped.
"""

import json
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import ProxyHandler, build_opener

import pytest

from local_stack.processes import free_port
from tests.architecture.sources import ROOT

IMAGE = os.environ.get("PAYMENTS_TEST_IMAGE", "")
HOME = "/opt/payments/home"
STARTED_SECONDS = 180.0
CONFINED = ["--read-only", "--cap-drop", "all", "--security-opt", "no-new-privileges", "--tmpfs", "/tmp:mode=1777"]  # noqa: S108
LIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"]
WRITABLE = [f"--tmpfs={HOME}/{folder}:mode=1777" for folder in ("run", "logs", "checkpoints", "staging")]

PLAN = """
import tempfile
from pathlib import Path
from spark_jobs.driver.class_archive import _lines
from spark_jobs.driver.object_store.whole_files import jar_path
from spark_jobs.driver.spark_session import build_session, jar_paths
from spark_jobs.driver.spark_version import spark_version
from spark_jobs.driver.standby import put_through
from spark_jobs.settings import payments_home, read_job_settings
settings = read_job_settings()
assert jar_paths(payments_home())
assert jar_path(payments_home(), spark_version()).exists()
spark = build_session(settings, payments_home())
with tempfile.TemporaryDirectory() as folder:
    put_through(_lines(spark, Path(folder)), settings)
print("taken through", spark.version)
spark.stop()
"""

LOCATIONS = "{workspaceOrError{...on Workspace{locationEntries{locationOrLoadError{__typename}}}}}"

pytestmark = [pytest.mark.skipif(not IMAGE, reason="there is no image to test: run `make image`")]


def command(*arguments: str, entry: str | None = None, network: str = "none") -> list[str]:
    podman = shutil.which("podman")
    assert podman
    named = [] if entry is None else ["--entrypoint", entry]
    return [
        podman,
        "--runtime",
        "runc",
        "run",
        "--rm",
        *CONFINED,
        *LIMITS,
        *WRITABLE,
        "--network",
        network,
        *named,
        *arguments,
    ]


def run(*arguments: str, entry: str | None = None) -> subprocess.CompletedProcess[str]:
    done = command(*arguments, entry=entry)
    return subprocess.run(done, capture_output=True, text=True, check=False, timeout=300)


def inspected() -> dict[str, Any]:
    podman = shutil.which("podman")
    assert podman
    done = subprocess.run([podman, "image", "inspect", IMAGE], capture_output=True, text=True, check=True)
    [found] = json.loads(done.stdout)
    return dict(found)


@pytest.fixture
def started() -> Iterator[Any]:
    """Starts a container on this machine's network, which ends with the test."""
    podman = shutil.which("podman")
    assert podman
    names = []

    def start(*arguments: str, options: tuple[str, ...] = ()) -> str:
        name = f"payments-test-{uuid.uuid4().hex[:8]}"
        words = command(*options, "--detach", "--name", name, IMAGE, *arguments, network="host")
        subprocess.run(words, check=True, capture_output=True)
        names.append(name)
        return name

    yield start
    for name in names:
        subprocess.run([podman, "rm", "--force", "--time", "5", name], check=False, capture_output=True)


def until_good(name: str, *probe: str) -> None:
    """Wait until the probe passes in that container."""
    podman = shutil.which("podman")
    assert podman
    deadline = time.monotonic() + STARTED_SECONDS
    while time.monotonic() < deadline:
        words = [podman, "--runtime", "runc", "exec", name, *probe]
        if subprocess.run(words, check=False, capture_output=True).returncode == 0:
            return
        time.sleep(1)
    logs = subprocess.run([podman, "logs", name], check=False, capture_output=True, text=True)
    raise AssertionError(f"{' '.join(probe)} does not pass: {(logs.stdout + logs.stderr)[-3000:]}")


@pytest.fixture
def dagster(tmp_path: Path) -> tuple[str, ...]:
    """A folder of Dagster's, without PostgreSQL, that the image's user may write to."""
    folder = tmp_path / "dagster"
    folder.mkdir()
    folder.chmod(0o777)
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    return f"--volume={folder}:{HOME}/dagster", f"--env=DAGSTER_HOME={HOME}/dagster"


def test_it_runs_as_nobody_in_particular_and_has_no_shell() -> None:
    assert inspected()["Config"]["User"] == "1000:1000"
    done = run(
        IMAGE, "-c", "import os, shutil; print(os.getuid(), shutil.which('sh'), shutil.which('bash'))", entry="python"
    )
    assert done.stdout.split() == ["1000", "None", "None"], done.stderr
    for shell in ("/bin/sh", "/bin/bash"):
        assert run(IMAGE, "-c", "true", entry=shell).returncode != 0


def test_nothing_of_it_can_be_written() -> None:
    done = run(IMAGE, "-c", "open('/opt/payments/app/new', 'w')", entry="python")
    assert "Read-only file system" in done.stderr


@pytest.mark.parametrize("part", ["simulator", "processor", "payments", "webserver", "daemon", "dashboard"])
def test_each_part_says_how_it_is_used(part: str) -> None:
    done = run(IMAGE, part, "--help")
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout.lower()


def test_spark_takes_records_through_the_whole_plan_without_a_network() -> None:
    done = run(IMAGE, "-c", PLAN, entry="python")
    assert "taken through 4." in done.stdout, done.stderr[-3000:]


def test_dbt_reads_its_project_and_knows_what_there_is() -> None:
    options = ["--project-dir", "dbt_project", "--profiles-dir", "dbt_project", "--resource-type", "model"]
    done = run(IMAGE, "ls", *options, "--target-path", "/tmp/dbt", "--log-path", "/tmp/dbt", entry="dbt")  # noqa: S108
    assert done.returncode == 0, done.stdout[-2000:]
    assert "payments.marts.reconciliation.reconciliation_daily" in done.stdout


def test_delta_and_the_readers_of_every_format_load() -> None:
    modules = (
        "deltalake, duckdb, zstandard, lz4, snappy, grpc_tools, google.cloud.bigquery, google.cloud.storage, psycopg2"
    )
    done = run(IMAGE, "-c", f"import {modules}", entry="python")
    assert done.returncode == 0, done.stderr


def test_code_location_daemon_and_webserver_start_and_find_each_other(
    started: Any, dagster: tuple[str, ...], tmp_path: Path
) -> None:
    grpc, http = free_port("127.0.0.1"), free_port("127.0.0.1")
    (tmp_path / "dagster" / "workspace.yaml").write_text(
        f"load_from:\n  - grpc_server: {{host: 127.0.0.1, port: {grpc}, location_name: payments}}\n"
    )
    code = started("code-location", "--host", "127.0.0.1", "--port", str(grpc), options=dagster)
    until_good(code, "python", "-m", "dagster", "api", "grpc-health-check", "--port", str(grpc))
    workspace = f"{HOME}/dagster/workspace.yaml"
    web = started("webserver", "--host", "127.0.0.1", "--port", str(http), "--workspace", workspace, options=dagster)
    until_good(web, "python", "-m", "orchestration.platform.answers", f"http://127.0.0.1:{http}/server_info")
    entries = ask(f"http://127.0.0.1:{http}/graphql?query={quote(LOCATIONS)}")["data"]["workspaceOrError"][
        "locationEntries"
    ]
    assert [entry["locationOrLoadError"]["__typename"] for entry in entries] == ["RepositoryLocation"]
    daemon = started("daemon", "run", "--workspace", workspace, options=dagster)
    until_good(daemon, "dagster-daemon", "liveness-check")


def ask(url: str) -> dict[str, Any]:
    with build_opener(ProxyHandler({})).open(url, timeout=30) as answer:
        return dict(json.load(answer))


def test_the_bill_of_materials_names_python_packages_jars_and_the_system() -> None:
    done = run(IMAGE, "-c", "print(open('/opt/payments/sbom.json').read())", entry="python")
    purls = {component.get("purl", "") for component in json.loads(done.stdout)["components"]}
    for prefix in ("pkg:pypi/dagster@", "pkg:maven/org.apache.kafka/kafka-clients@", "pkg:deb/debian/libc6@"):
        assert [purl for purl in purls if purl.startswith(prefix)], prefix
    assert (ROOT / "build" / "image").is_dir()
