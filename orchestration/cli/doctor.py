"""`payments doctor`: what on this machine keeps the platform from running, and what to do about it.

Belongs here: one small check per thing. Does not belong here: mending anything.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

import typer

from local_stack.bigquery.emulator import Warehouse
from local_stack.java import find_java
from local_stack.kafka import Broker
from local_stack.processes import Daemon, StackError, is_port_free
from orchestration.alerts.catalog import alert_for_incident
from orchestration.alerts.runbooks import runbook_of
from orchestration.notifications.channel_settings import read_channel_settings
from orchestration.platform.disk_usage import LEAST_FREE_BYTES, free_bytes, human, sizes, warning
from orchestration.platform.stack import Stack
from orchestration.presentation.console import table
from orchestration.settings import DBT_PROJECT_DIR, StackSettings, read_stack_settings
from spark_jobs.incidents import Incident, one_line
from spark_jobs.settings import SettingError
from spark_jobs.source.topic import BrokerUnreachable

type Finding = tuple[str, str, str]
"""What was looked at, OK, WARN or FAIL, and what was found or is to be done."""

LEAST_JAVA = 17
_PACKAGES = ("dagster", "dagster-dbt", "dbt-core", "dbt-bigquery", "pyspark", "kafka-python", "google-cloud-bigquery")
_JAVA_VERSION = re.compile(r'version "(\d+)')


def doctor() -> None:
    """Look at all that the platform needs. Exits 1 where something is missing."""
    settings = read_stack_settings()
    findings = list(examine(settings))
    table("Doctor", ("what", "state", "found, or what to do"), findings)
    if any(state == "FAIL" for _, state, _ in findings):
        raise typer.Exit(1)


def examine(settings: StackSettings) -> Iterator[Finding]:
    """Every finding."""
    yield "settings", "OK", f"home {settings.home}, project {settings.job.project}, dbt target {settings.dbt_target}"
    yield java(settings.home)
    yield _judge("Python", sys.version_info[:2] == (3, 13), sys.version.split()[0], "run `make setup`: it must be 3.13")
    yield from packages()
    yield from made_by_setup(settings.home)
    yield disk(*free_bytes(settings.home))
    yield "size of the home", "OK", sizes(settings.home)
    yield endpoint(settings)
    yield from ports(settings)
    yield from topic(settings)
    yield from alerts(settings)
    yield channels()


def java(home: Path) -> Finding:
    """Kafka and Spark need a JVM."""
    try:
        found = find_java(home)
    except StackError as error:
        return "Java", "FAIL", str(error)
    todo = f"run `make setup`, which fetches one, or install Java {LEAST_JAVA} or newer, or set JAVA_HOME"
    printed = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    match = _JAVA_VERSION.search(printed)
    major = int(match[1]) if match else 0
    return _judge("Java", major >= LEAST_JAVA, f"{major} at {found}", f"{todo}; {found} is version {major}")


def packages() -> Iterator[Finding]:
    """The locked packages are installed."""
    for name in _PACKAGES:
        try:
            yield name, "OK", version(name)
        except PackageNotFoundError:
            yield name, "FAIL", "run `make setup`"


def made_by_setup(home: Path) -> Iterator[Finding]:
    """Jars, the warehouse's environment, dbt's manifest."""
    for name, path in (
        ("broker's jars", home / "jars" / "broker"),
        ("Spark's jars", home / "jars" / "spark"),
    ):
        count = len(list(path.glob("*.jar")))
        yield _judge(name, count > 0, f"{count} in {path}", f"run `make setup`: none in {path}")
    for name, path in (
        ("warehouse's environment", home / "warehouse-env" / "bin" / "python"),
        ("dbt's manifest", DBT_PROJECT_DIR / "target" / "manifest.json"),
    ):
        yield _judge(name, path.exists(), str(path), f"run `make setup`: {path} is missing")


def disk(free: int, total: int) -> Finding:
    """Kafka, checkpoints and the warehouse grow."""
    if message := warning(free, total):
        return "disk", "FAIL" if free < LEAST_FREE_BYTES else "WARN", message
    return "disk", "OK", f"{human(free)} free of {human(total)}"


def endpoint(settings: StackSettings) -> Finding:
    """Where the warehouse is asked; the scheme was checked when the settings were read."""
    where, warehouse = settings.job.emulator_host, Stack(settings).warehouse
    if warehouse is None:
        return "warehouse", "OK", f"BigQuery itself, project {settings.job.project}"
    if not warehouse.is_local:
        return "warehouse", "OK", f"local, at {where}"
    try:
        patches = warehouse.running_patches() or warehouse.chosen_patches
    except StackError as error:
        return "warehouse", "FAIL", str(error)
    return "warehouse", "OK", f"local, at {where}, patches: {patches}"


def ports(settings: StackSettings) -> Iterator[Finding]:
    """Each port is ours already, or free to take."""
    stack = Stack(settings)
    if stack.broker.is_local:
        host, _, port = settings.job.bootstrap_servers.rpartition(":")
        yield _port("Kafka", "KAFKA_BOOTSTRAP_SERVERS", host, int(port), stack.broker)
    if stack.warehouse and stack.warehouse.is_local:
        url = urlsplit(settings.job.emulator_host or "")
        yield _port("warehouse", "BIGQUERY_EMULATOR_HOST", url.hostname or "", url.port or 80, stack.warehouse)
    yield _port("Dagster", "DAGSTER_PORT", "127.0.0.1", settings.dagster_port, stack.dagster)
    yield _port("dashboard", "PAYMENTS_DASHBOARD_PORT", "127.0.0.1", settings.dashboard_port, stack.dashboard)


def topic(settings: StackSettings) -> Iterator[Finding]:
    """What is worth knowing of the topic, or why somebody else's cluster does not let us in."""
    from orchestration.resources.broker import BrokerReader

    job, broker = settings.job, Stack(settings).broker
    if trouble := broker.trouble():
        # Before the first `payments up` our own is not expected to be there.
        if not broker.is_local:
            yield "Kafka", "FAIL", _with_runbook(f"{job.bootstrap_servers}: {trouble}", "PaymentsBrokerDown")
        return
    try:
        _, remarks = BrokerReader(job.bootstrap_servers, job.topic).look()
    except BrokerUnreachable as error:
        remarks = [_with_runbook(str(error), "PaymentsBrokerDown")]
    except Incident as error:
        alert = alert_for_incident(error.kind)
        remarks = [_with_runbook(str(error), alert.name if alert else "")]
    yield from (("topic", "WARN", line) for line in remarks)
    if not remarks:
        yield "topic", "OK", f"{job.topic}: no open transaction, nothing is compacted"


def alerts(settings: StackSettings) -> Iterator[Finding]:
    """Health rows that are FAILING and open incidents, each with its runbook; or that BigQuery does not let us in."""
    warehouse = Stack(settings).warehouse
    if warehouse is not None and not warehouse.is_up():
        return
    from google.api_core.exceptions import NotFound

    from orchestration.dashboard import gathering, statements
    from orchestration.dashboard.remedies import findings
    from spark_jobs.warehouse.retries import failures

    try:
        health, incidents = (gathering.ask_one(settings, name) for name in (statements.HEALTH, statements.INCIDENTS))
    except NotFound:
        # There is no dataset before the first run.
        return
    except failures() as error:
        yield "warehouse", "FAIL", _with_runbook(one_line(error), "PaymentsWarehouseDown")
        return
    found = findings(incidents.rows, health.rows)
    unread = [("health", section.trouble) for section in (health, incidents) if section.trouble]
    yield from ((what, "WARN", message) for what, message in (*found, *unread))
    if not found and not unread and not health.note:
        yield "health", "OK", "nothing is FAILING, no incident is open"


def channels() -> Finding:
    """Who is told of alerts, by the settings of this process."""
    try:
        names = read_channel_settings().names
    except SettingError as error:
        return "notifications", "FAIL", str(error)
    return "notifications", "OK", ", ".join(names) or "no channel is set: docs/alerts.md"


def _with_runbook(text: str, name: str) -> str:
    return f"{text} (runbook: {runbook_of(name)})" if name else text


def _port(name: str, setting: str, host: str, port: int, part: Broker | Warehouse | Daemon) -> Finding:
    what = f"{name}'s port {port}"
    if found := part.elsewhere():
        return what, "FAIL", f"ours runs with {setting}={found}: set it to that, or run `payments down`"
    if (pid := part.pid()) is not None:
        return what, "OK", f"ours, pid {pid}"
    host = "127.0.0.1" if host == "localhost" else host
    return _judge(what, is_port_free(host, port), "free", f"taken by another program: set {setting}")


def _judge(what: str, is_good: bool, found: str, todo: str) -> Finding:
    return (what, "OK", found) if is_good else (what, "FAIL", todo)
