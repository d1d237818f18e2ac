"""Whatever the warehouse or the way to it does, nothing is lost or doubled, retries end, and outcomes are read back."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from local_stack.bigquery.emulator import Warehouse
from local_stack.processes import free_port
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.settings import read_job_settings
from spark_jobs.sinks.bigquery.publisher import MAX_ATTEMPTS
from spark_jobs.source.offsets import offsets_from_json
from spark_jobs.tables import catalog
from spark_jobs.warehouse import retries as jobs
from spark_jobs.warehouse.client import connect
from tests.faults.proxy import Proxy, Rule, misbehaving
from tests.faults.victims import kill
from tests.world import World, event

pytestmark = [pytest.mark.integration, pytest.mark.thorough]

LOAD = "_load_"
COMMIT = "_publish_"
CONTROL_READ = "select * from"
MOST_REQUESTS = 12
"""Of one kind, in the few seconds that the tests let the client go on."""


@pytest.fixture
def proxy(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    monkeypatch.setattr(jobs, "RETRY_SECONDS", 2.0)
    monkeypatch.setattr(jobs, "REQUEST_SECONDS", 5.0)
    monkeypatch.setattr(jobs, "JOB_SECONDS", 10.0)
    monkeypatch.setattr("spark_jobs.sinks.bigquery.publisher.LONGEST_PAUSE_SECONDS", 0.2)
    with misbehaving(world.settings.emulator_host or "") as proxy:
        yield proxy


class Payments:
    """What was sent to the world: every id once more for good measure, one id new in each portion."""

    def __init__(self, world: World, proxy: Proxy) -> None:
        self.world, self.proxy = world, proxy
        self.sent: list[tuple[int, int]] = []
        self.ids: list[str] = []

    def send(self) -> None:
        self.ids.append(f"payment-{len(self.ids)}")
        self.sent += self.world.send([event(self.ids[0]), event(self.ids[-1])])

    def drain(self) -> None:
        """Through the proxy. The request counts start anew."""
        self.proxy.requests.clear()
        self.world.drain(emulator_host=self.proxy.address)

    def assert_all_is_there_once(self) -> None:
        assert set(self.world.deliveries()) == set(self.sent)
        ids = [row["transaction_id"] for row in self.world.rows(catalog.TRANSACTIONS, "transaction_id")]
        assert sorted(ids) == sorted(self.ids)
        ledger = sorted(self.world.rows(catalog.LEDGER), key=lambda row: row["batch_id"])
        assert [row["batch_id"] for row in ledger] == list(range(1, len(ledger) + 1))
        for before, after in pairwise(ledger):
            starts, ends = offsets_from_json(after["start_offsets"]), offsets_from_json(before["end_offsets"])
            assert all(starts[partition] == ends.get(partition, 0) for partition in starts)
        assert sum(row["delivered"] for row in ledger) == len(self.sent)
        assert offsets_from_json(ledger[-1]["end_offsets"]) == self.world.control().end_offsets

    def incidents(self) -> list[str]:
        return [row["kind"] for row in self.world.rows(catalog.INCIDENTS, "kind, occurred_at")]


@pytest.fixture
def payments(world: World, proxy: Proxy) -> Payments:
    """Some are in; others wait to meet the fault."""
    payments = Payments(world, proxy)
    payments.send()
    payments.drain()
    payments.send()
    return payments


PASSING = {
    "a load request is dropped": Rule("POST", LOAD, "drop_request"),
    "the answer to a load is dropped": Rule("POST", LOAD, "drop_answer"),
    "a load is told to come back later": Rule("POST", LOAD, "status", status=503),
    "a load comes too fast": Rule("POST", LOAD, "status", status=429, reason="rateLimitExceeded"),
    "a load job fails": Rule("POST", LOAD, "job_error", times=MAX_ATTEMPTS - 1),
    "a load job runs for long": Rule("POST", LOAD, "still_running"),
    "a commit is dropped": Rule("POST", COMMIT, "drop_request"),
    "the answer to a commit is dropped": Rule("POST", COMMIT, "drop_answer"),
    "the answers to a commit and to its retry are dropped": Rule("POST", COMMIT, "drop_answer", times=2),
    "a commit meets a broken server": Rule("POST", COMMIT, "status", status=500, reason="internalError"),
    "a commit is refused three times": Rule("POST", COMMIT, "job_error", times=MAX_ATTEMPTS - 1, reason="aborted"),
    "the answer to a commit is late": Rule("POST", COMMIT, "delay", seconds=6),
    "the control row cannot be read at once": Rule("POST", CONTROL_READ, "drop_answer", times=2),
    "results are told to come back later": Rule("GET", "/queries/", "status", times=3),
    "the staging table cannot be dropped": Rule("DELETE", "/tables/staging_", "status", times=99),
}


def test_a_fault_that_passes_is_not_noticed(proxy: Proxy, payments: Payments) -> None:
    for name, rule in PASSING.items():
        proxy.rules[:] = [replace(rule)]
        payments.drain()
        assert proxy.asked(rule.method, rule.part) > 0, name
        assert proxy.asked("POST", COMMIT) <= MOST_REQUESTS, name
        payments.assert_all_is_there_once()
        payments.send()
    assert payments.incidents() == []


LASTING = {
    "loads are dropped": (Rule("POST", LOAD, "drop_request", times=1e9), IncidentKind.WAREHOUSE_FAILED, MOST_REQUESTS),
    "loads are told to come back later": (
        Rule("POST", LOAD, "status", times=1e9),
        IncidentKind.WAREHOUSE_FAILED,
        MOST_REQUESTS,
    ),
    "load jobs fail": (Rule("POST", LOAD, "job_error", times=1e9), IncidentKind.LOAD_FAILED, MAX_ATTEMPTS),
    "the quota of loads is used up": (
        Rule("POST", LOAD, "status", times=1e9, status=403, reason="quotaExceeded"),
        IncidentKind.QUOTA_EXCEEDED,
        MAX_ATTEMPTS,
    ),
    "a load job fails for a quota": (
        Rule("POST", LOAD, "job_error", times=1e9, reason="quotaExceeded"),
        IncidentKind.QUOTA_EXCEEDED,
        MAX_ATTEMPTS,
    ),
    "commits are dropped": (
        Rule("POST", COMMIT, "drop_request", times=1e9),
        IncidentKind.LOAD_FAILED,
        4 * MOST_REQUESTS,
    ),
    "the quota of queries is used up": (
        Rule("POST", COMMIT, "status", times=1e9, status=403, reason="quotaExceeded"),
        IncidentKind.QUOTA_EXCEEDED,
        MAX_ATTEMPTS,
    ),
    "every request is dropped": (
        Rule("POST", "", "drop_request", times=1e9),
        IncidentKind.WAREHOUSE_FAILED,
        MOST_REQUESTS,
    ),
}


def test_a_fault_that_lasts_is_one_incident_and_the_next_run_goes_on(proxy: Proxy, payments: Payments) -> None:
    recorded: list[str] = []
    for name, (rule, kind, most) in LASTING.items():
        before = payments.world.control().end_offsets
        proxy.rules[:] = [replace(rule)]
        with pytest.raises(Incident) as incident:
            payments.drain()
        assert incident.value.kind is kind, name
        assert "\n" not in str(incident.value)
        assert payments.world.control().end_offsets == before, name
        assert 0 < proxy.asked(rule.method, rule.part) <= most, name
        recorded += [] if kind is IncidentKind.WAREHOUSE_FAILED else [kind]
        assert sorted(payments.incidents()) == sorted(recorded), name

        proxy.rules.clear()
        payments.drain()
        payments.assert_all_is_there_once()
        payments.send()


def test_a_commit_that_still_runs_when_its_answer_is_lost_is_waited_for(proxy: Proxy, payments: Payments) -> None:
    proxy.rules += [
        Rule("POST", COMMIT, "drop_answer"),
        Rule("GET", f"/queries/payments{COMMIT}", "status", times=1e9, status=400, reason="invalid"),
        Rule("GET", f"/jobs/payments{COMMIT}", "still_running", times=4),
    ]
    payments.drain()
    assert proxy.asked("GET", f"/jobs/payments{COMMIT}") >= 5
    begun = {text.partition(COMMIT)[2].partition('"')[0] for method, text in proxy.requests if method == "POST"} - {""}
    assert len(begun) == 1
    payments.assert_all_is_there_once()


def test_a_commit_nobody_can_be_asked_about_is_not_repeated_but_found_by_the_next_run(
    proxy: Proxy, payments: Payments
) -> None:
    proxy.rules += [
        Rule("POST", COMMIT, "drop_answer", times=1e9),
        Rule("GET", f"/jobs/payments{COMMIT}", "drop_answer", times=1e9),
    ]
    with pytest.raises(Incident) as incident:
        payments.drain()
    assert incident.value.kind is IncidentKind.WAREHOUSE_FAILED
    payments.assert_all_is_there_once()

    proxy.rules.clear()
    payments.drain()
    payments.assert_all_is_there_once()


def test_a_control_row_that_cannot_be_read_back_is_not_taken_for_a_batch_unpublished(
    proxy: Proxy, payments: Payments
) -> None:
    # The first look is the one after the epoch is raised.
    proxy.rules += [
        Rule("POST", COMMIT, "drop_answer"),
        Rule("GET", f"/queries/payments{COMMIT}", "status", times=1e9, status=400, reason="invalid"),
        Rule("POST", CONTROL_READ, "status", skip=1, times=1e9),
    ]
    with pytest.raises(Incident) as incident:
        payments.drain()
    assert incident.value.kind is IncidentKind.WAREHOUSE_FAILED
    assert proxy.asked("POST", CONTROL_READ) <= MOST_REQUESTS
    payments.assert_all_is_there_once()

    proxy.rules.clear()
    payments.drain()
    payments.assert_all_is_there_once()


def test_a_job_that_died_with_the_local_warehouse_is_over_once_that_is_back(home: Path, tmp_path: Path) -> None:
    (tmp_path / "warehouse-env").symlink_to(home / "warehouse-env")
    endpoint = f"http://127.0.0.1:{free_port('127.0.0.1')}"
    settings = read_job_settings({"PAYMENTS_HOME": str(tmp_path), "BIGQUERY_EMULATOR_HOST": endpoint})
    warehouse = Warehouse(tmp_path, endpoint, settings.project)
    numbers = "unnest(generate_array(1, 200000))"
    try:
        warehouse.start()
        with connect(settings) as client:
            client.query(
                f"select sum(a * b) from {numbers} as a cross join {numbers} as b", job_id="endless", job_retry=None
            )
            assert client.get_job("endless").state == "RUNNING"
            kill(warehouse)
            warehouse.start()
            jobs.settle(client, "endless")
            assert client.get_job("endless").error_result["reason"] == "stopped"
    finally:
        warehouse.stop()
