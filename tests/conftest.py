import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import hypothesis
import pytest
from pyspark.sql import SparkSession

from local_stack.bigquery.emulator import Warehouse
from local_stack.bigquery.patches.registry import NONE
from local_stack.kafka import Broker
from local_stack.processes import free_port
from local_stack.sandbox_home import borrow, free_addresses
from spark_jobs.driver.spark_session import build_session
from spark_jobs.settings import JobSettings, read_job_settings
from tests import object_store
from tests.datasets import Datasets
from tests.statements import Statements
from tests.world import World

QUICK_TO_START = "-XX:TieredStopAtLevel=1"
"""A JVM of the tests lives for seconds: what its optimizing compiler costs would never come back."""

KEEP_MINUTES = "10"
"""The local warehouse looks through the jobs that it keeps at each statement, and no test asks for older ones."""


def pytest_configure() -> None:
    os.environ.setdefault("JDK_JAVA_OPTIONS", QUICK_TO_START)
    os.environ.setdefault("PAYMENTS_WAREHOUSE_KEEP_MINUTES", KEEP_MINUTES)
    # How long an example takes says how busy the machine is.
    too_slow = hypothesis.HealthCheck.too_slow
    hypothesis.settings.register_profile("tests", deadline=None, suppress_health_check=[too_slow])
    hypothesis.settings.load_profile("tests")


LONGEST_FIRST = (
    "integration/test_warehouse_maintenance.py",
    "integration/test_watch.py",
    "faults/test_chaos.py",
    "faults/test_crash_points.py",
    "faults/test_checkpoint_damage.py",
    "integration/test_first_start.py",
    "dbt/test_open_and_closed.py",
    "integration/test_retention.py",
    "integration/test_older_dataset.py",
    "dbt/test_build.py",
    "integration/test_every_sink.py",
    "integration/test_command.py",
    "integration/test_browser.py",
    "integration/test_streaming.py",
    "integration/test_scenarios.py",
)
"""Files that take minutes: were one of them the last, all other workers would wait for it."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for mark in metafunc.definition.iter_markers("parametrize"):
        if isinstance(mark.args[1], (set, frozenset)):
            raise pytest.UsageError(f"{metafunc.definition.nodeid}: a set has no order; workers must collect alike.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder of the tests' own, with what `make setup` made."""
    home = tmp_path_factory.mktemp("home")
    borrow(home)
    return home


@pytest.fixture(scope="session")
def environment(home: Path) -> dict[str, str]:
    return {"PAYMENTS_HOME": str(home)} | free_addresses()


@pytest.fixture(scope="session")
def store_endpoint() -> str:
    """Where Cloud Storage's stand-in answers, once a test has it started."""
    return f"http://127.0.0.1:{free_port('127.0.0.1')}"


@pytest.fixture(scope="session")
def bucket(store_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A bucket's URI on a real server of Cloud Storage's API, for the whole session."""
    with object_store.started(store_endpoint, tmp_path_factory.mktemp("object-store")) as uri:
        yield uri


@pytest.fixture(scope="session")
def warehouse(home: Path, environment: dict[str, str], store_endpoint: str) -> Iterator[JobSettings]:
    """A real warehouse, up for the whole session."""
    settings = read_job_settings(environment)
    started = Warehouse(home, settings.emulator_host or "", settings.project)
    try:
        with object_store.named(store_endpoint):
            started.start()
        yield settings
    finally:
        started.stop()


@pytest.fixture(scope="session")
def stack(home: Path, warehouse: JobSettings) -> Iterator[JobSettings]:
    """A real broker and a real warehouse, up for the whole session."""
    broker = Broker(home, warehouse.bootstrap_servers)
    try:
        broker.start()
        yield warehouse
    finally:
        broker.stop()


@pytest.fixture(scope="session")
def plain_stack(stack: JobSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobSettings]:
    """The same broker, and a warehouse of its own with nothing but what is wrong in local-bigquery mended."""
    home = tmp_path_factory.mktemp("plain")
    borrow(home)
    settings = replace(stack, emulator_host=free_addresses()["BIGQUERY_EMULATOR_HOST"])
    warehouse = Warehouse(home, settings.emulator_host or "", settings.project, patches=NONE)
    try:
        warehouse.start()
        yield settings
    finally:
        warehouse.stop()


@pytest.fixture(scope="session")
def spark(stack: JobSettings, home: Path) -> Iterator[SparkSession]:
    # With the connector's jar, which a session has from its start or never.
    settings = replace(stack, delta_location=f"gs://{object_store.BUCKET}/delta")
    session = build_session(settings, home, with_delta=True)
    yield session
    session.stop()


@pytest.fixture(scope="session")
def statements() -> Statements:
    return Statements()


@pytest.fixture(scope="session")
def datasets(warehouse: JobSettings) -> Datasets:
    return Datasets(warehouse)


@pytest.fixture(scope="session")
def plain_datasets(plain_stack: JobSettings) -> Datasets:
    return Datasets(plain_stack)


type Sandboxes = Callable[..., AbstractContextManager[World]]


@pytest.fixture
def sandboxes(
    spark: SparkSession, tmp_path: Path, statements: Statements, monkeypatch: pytest.MonkeyPatch
) -> Sandboxes:
    """Makes a sandbox of a stack; whatever SQL the test has sent must be BigQuery's in Google's own eyes."""

    @contextmanager
    def sandbox(settings: JobSettings, datasets: Datasets, session: SparkSession = spark) -> Iterator[World]:
        with datasets.lent() as dataset, statements.recorded(monkeypatch):
            world = World.make(settings, session, tmp_path)
            world.settings = replace(world.settings, dataset=dataset)
            yield world
            world.client.close()
        statements.check()

    return sandbox


@pytest.fixture
def world(sandboxes: Sandboxes, stack: JobSettings, datasets: Datasets) -> Iterator[World]:
    """A sandbox of the shared stack."""
    with sandboxes(stack, datasets) as world:
        yield world


@pytest.fixture
def plain_world(sandboxes: Sandboxes, plain_stack: JobSettings, plain_datasets: Datasets) -> Iterator[World]:
    """As `world`, on the local warehouse without a patch."""
    with sandboxes(plain_stack, plain_datasets) as world:
        yield world


@pytest.fixture
def gs_world(
    sandboxes: Sandboxes,
    stack: JobSettings,
    datasets: Datasets,
    bucket: str,
    store_endpoint: str,
    home: Path,
    spark: SparkSession,
    tmp_path: Path,
) -> Iterator[World]:
    """As `world`, with checkpoint, segments, day files, staging and Delta's tables in a bucket."""
    root = f"{bucket}/{tmp_path.name}"
    remote = replace(stack, checkpoint_location=f"{root}/checkpoints")
    with (
        object_store.named(store_endpoint),
        object_store.session_on(remote, spark, home) as session,
        sandboxes(stack, datasets, session) as world,
    ):
        world.keep_below(root)
        yield world


@pytest.fixture(params=["disk", "gs"])
def stored_world(request: pytest.FixtureRequest) -> World:
    """As `world`, and once more with all that is kept beside the warehouse on an object store."""
    world: World = request.getfixturevalue("world" if request.param == "disk" else "gs_world")
    return world


@pytest.fixture(params=["patched", "plain"])
def patched_or_plain_world(request: pytest.FixtureRequest) -> World:
    """As `world`, and once more on the local warehouse without a patch."""
    world: World = request.getfixturevalue("world" if request.param == "patched" else "plain_world")
    return world
