"""The local warehouse does not grow with what was done in it, and tidying up loses nothing and fails nobody."""

import os
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from google.api_core.exceptions import GoogleAPIError, NotFound
from google.cloud import bigquery
from requests.exceptions import RequestException

from local_stack.bigquery.emulator import Warehouse
from local_stack.processes import free_port
from local_stack.sandbox_home import borrow
from spark_jobs.settings import read_job_settings
from spark_jobs.warehouse.client import connect
from tests.faults.victims import kill

pytestmark = [pytest.mark.integration, pytest.mark.thorough]

PROJECT = "payments-local"
WAIT_SECONDS = 120.0
KILLS, MOST_KILLS = 6, 60
"""At least, and at most: on a slow machine as many more as it takes to write more than FEW."""
JOBS = 800
"""More than twice as many as may lie deleted among others."""
FEW = 100
"""Above what is merged (32 files a table and size), below what the tests write."""


class Server:
    """A warehouse of a test's own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        endpoint = f"http://127.0.0.1:{free_port('127.0.0.1')}"
        self.settings = read_job_settings({"PAYMENTS_HOME": str(home), "BIGQUERY_EMULATOR_HOST": endpoint})
        self.warehouse = Warehouse(home, endpoint, PROJECT)

    def files(self) -> list[Path]:
        return list((self.home / "bigquery" / "data").rglob("*.parquet"))

    def deleted_jobs(self) -> int:
        """How many rows of jobs are deleted and still there, once it is stopped."""
        file = self.home / "bigquery" / "data" / "emulator.duckdb"
        look = (
            "import duckdb, sys; "
            "print(duckdb.connect(sys.argv[1]).sql('select max(rowid) + 1 - count(*) from jobs').fetchone()[0])"
        )
        python = self.home / "warehouse-env" / "bin" / "python"
        return int(subprocess.run([python, "-c", look, file], check=True, capture_output=True, text=True).stdout)

    def client(self) -> bigquery.Client:
        return connect(self.settings)

    def begin(self) -> bigquery.Client:
        """Start, with a table that grows by each transaction and one of a single row that each of them replaces."""
        self.warehouse.start()
        client = self.client()
        client.create_dataset("d")
        client.query_and_wait("create table d.small (n int64, payload string)")
        client.query_and_wait("create table d.control as select -1 as n")
        return client


def transactions(first: int, count: int) -> str:
    """Each adds a row, takes that before the last away and writes it again, and moves the control row."""
    return "".join(
        f"""
        begin transaction;
        assert (select n = {n - 1} from d.control) as 'the control row is not at {n - 1}';
        insert into d.small select {n}, 'p{n}';
        delete from d.small where n = {n - 2};
        insert into d.small select {n - 2}, 'p{n - 2}' from d.control where {n} >= 2;
        update d.control set n = {n} where true;
        commit transaction;
        """
        for n in range(first, first + count)
    )


def numbers(client: bigquery.Client, as_of: str = "") -> list[int]:
    return [row.n for row in client.query_and_wait(f"select n from d.small {as_of} order by n")]


def is_forgotten(job: bigquery.QueryJob) -> bool:
    try:
        job.reload()
    except NotFound:
        return True
    return False


def memory_mb(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


def until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Server]:
    borrow(tmp_path)
    monkeypatch.setenv("PAYMENTS_WAREHOUSE_KEEP_MINUTES", request.param)
    server = Server(tmp_path)
    yield server
    server.warehouse.stop()


@pytest.mark.parametrize("server", ["0.2"], indirect=True)
def test_what_is_past_is_deleted(server: Server) -> None:
    with server.begin() as client:
        first = client.query("select 1")
        first.result()
        for n in range(5):
            client.query_and_wait(transactions(n * 20, 20))
        client.query_and_wait("create table d.dropped as select 1 as n")
        client.query_and_wait("drop table d.dropped")
        empty = server.home / "bigquery" / "data" / PROJECT / "d" / "staging_gone"
        empty.mkdir()
        until(lambda: len(server.files()) < FEW)
        until(lambda: not empty.exists())
        until(lambda: not list((server.home / "bigquery" / "data" / PROJECT).rglob("dropped/*.parquet")))
        until(lambda: is_forgotten(first))
        assert numbers(client) == list(range(100))


@pytest.mark.parametrize("server", ["0.2"], indirect=True)
def test_jobs_that_are_deleted_leave_no_rows_that_every_statement_reads_and_no_statement_fails_of_it(
    server: Server,
) -> None:
    with server.begin() as client:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: client.query_and_wait(f"select {n}"), range(JOBS)))
        last = client.query("select 'last'")
        last.result()
        until(lambda: is_forgotten(last))
        # The round after the one that deleted it has begun: what there is to be done for it is done.
        after = client.query("select 'after'")
        after.result()
        until(lambda: is_forgotten(after))
        # The newest row tells how many have come before it since the table was made.
        client.query_and_wait("select 'newest'")
    server.warehouse.stop()
    assert server.deleted_jobs() < JOBS / 2
    assert "maintenance" not in server.warehouse.log_file.read_text()


@pytest.mark.parametrize("server", ["60"], indirect=True)
def test_the_catalogs_of_past_states_stay_within_the_memory_that_is_set(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYMENTS_WAREHOUSE_MEMORY", "128MB")
    columns = ", ".join(f"c{n} string" for n in range(300))
    with server.begin() as client:
        client.query_and_wait("".join(f"create table d.wide_{n} ({columns});" for n in range(20)))
        before = memory_mb(server.warehouse.pid() or 0)
        client.query_and_wait("".join(f"create or replace table d.changed as select {n} as n;" for n in range(60)))
        # Without a limit these states take more than 300 MB.
        assert memory_mb(server.warehouse.pid() or 0) - before < 200


@pytest.mark.parametrize("server", ["60"], indirect=True)
def test_merged_files_still_tell_how_a_table_was(server: Server) -> None:
    with server.begin() as client:
        client.query_and_wait(transactions(0, 1))
        client.query_and_wait("".join(f"insert into d.small select {n}, 'p{n}';" for n in range(1, 10)))
        (then,) = client.query_and_wait("select current_timestamp() as at")
        client.query_and_wait("".join(f"insert into d.small select {n}, 'p{n}';" for n in range(10, 60)))
        folder = server.home / "bigquery" / "data" / PROJECT / "d" / "small"
        # Each row came in a file of its own; one more is a merged one, whenever it was made.
        until(lambda: len(list(folder.iterdir())) > 60)
        assert numbers(client, f"for system_time as of timestamp '{then.at.isoformat()}'") == list(range(10))
        assert numbers(client) == list(range(60))


@pytest.mark.parametrize("server", ["0.2"], indirect=True)
def test_no_transaction_that_deletes_fails_of_it(server: Server) -> None:
    failures: list[Exception] = []

    def build() -> None:
        with server.client() as client:
            try:
                for n in range(15):
                    client.query_and_wait("create or replace table d.built as select n from d.small")
                    client.query_and_wait(f"delete from d.built where n < {n}")
            except GoogleAPIError as error:
                failures.append(error)

    with server.begin() as client:
        builder = threading.Thread(target=build)
        builder.start()
        for n in range(30):
            client.query_and_wait(transactions(n * 10, 10))
        builder.join()
        until(lambda: len(server.files()) < FEW)
        assert numbers(client) == list(range(300))
    assert not failures
    assert "maintenance" not in server.warehouse.log_file.read_text()


@pytest.mark.long
@pytest.mark.parametrize("server", ["0.2"], indirect=True)
def test_a_kill_amid_it_loses_and_leaves_nothing(server: Server) -> None:
    luck, done = random.Random(1), 0  # noqa: S311 - when to kill
    server.begin().close()
    for kills in range(MOST_KILLS):
        if kills >= KILLS and done > FEW:
            break
        server.warehouse.start()
        killer = threading.Timer(luck.uniform(0.5, 4), kill, [server.warehouse])
        killer.start()
        with server.client() as client:
            while killer.is_alive():
                try:
                    job = client.query(transactions(done, 5), retry=None, job_retry=None, timeout=30)
                    job.result(retry=None, timeout=30)
                    done += 5
                except (GoogleAPIError, RequestException):
                    killer.join()
        server.warehouse.start()
        with server.client() as client:
            present = numbers(client)
            assert present == list(range(len(present)))
            assert done <= len(present)
            done = len(present)
    assert done > FEW
    until(lambda: len(server.files()) < FEW)
    assert "maintenance" not in server.warehouse.log_file.read_text()
