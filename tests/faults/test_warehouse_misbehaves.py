"""Whatever the warehouse or the way to it does, nothing is lost or doubled, retries end, and outcomes are read back."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from spark_jobs import jobs, tables
from spark_jobs.incidents import Incident, Kind
from spark_jobs.publishing import MAX_ATTEMPTS
from spark_jobs.warehouse import offsets_from_json
from tests.faults.proxy import Proxy, Rule, misbehaving
from tests.world import World, event

pytestmark = pytest.mark.integration

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
    monkeypatch.setattr("spark_jobs.publishing.LONGEST_PAUSE_SECONDS", 0.2)
    with misbehaving(world.settings.emulator_host or "") as proxy:
        yield proxy


@pytest.fixture
def sent(world: World, proxy: Proxy) -> list[tuple[int, int]]:
    """Two batches are in; a third waits to meet the fault."""
    assert proxy.address
    first = world.send([event("one"), event("two")])
    world.drain()
    return first + world.send([event("one"), event("three")])


def drain(world: World, proxy: Proxy) -> None:
    world.drain(emulator_host=proxy.address, max_offsets_per_batch=1000)


def assert_all_is_there_once(world: World, sent: list[tuple[int, int]]) -> None:
    assert set(world.deliveries()) == set(sent)
    ids = [row["transaction_id"] for row in world.rows(tables.TRANSACTIONS, "transaction_id")]
    assert sorted(ids) == ["one", "three", "two"]
    ledger = sorted(world.rows(tables.LEDGER), key=lambda row: row["batch_id"])
    assert [row["batch_id"] for row in ledger] == list(range(1, len(ledger) + 1))
    for before, after in pairwise(ledger):
        starts, ends = offsets_from_json(after["start_offsets"]), offsets_from_json(before["end_offsets"])
        assert all(starts[partition] == ends.get(partition, 0) for partition in starts)
    assert sum(row["delivered"] for row in ledger) == len(sent)
    assert offsets_from_json(ledger[-1]["end_offsets"]) == world.control().end_offsets


PASSING = {
    "a load request is dropped": Rule("POST", LOAD, "drop_request"),
    "the answer to a load is dropped": Rule("POST", LOAD, "drop_answer"),
    "a load is told to come back later": Rule("POST", LOAD, "status", status=503),
    "a load comes too fast": Rule("POST", LOAD, "status", status=429, reason="rateLimitExceeded"),
    "a load job fails": Rule("POST", LOAD, "job_error", times=MAX_ATTEMPTS - 1),
    "a load job runs for long": Rule("GET", LOAD, "still_running", times=2),
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


@pytest.mark.parametrize("rule", PASSING.values(), ids=PASSING)
def test_a_fault_that_passes_is_not_noticed(
    world: World, proxy: Proxy, sent: list[tuple[int, int]], rule: Rule
) -> None:
    proxy.rules.append(replace(rule))
    drain(world, proxy)
    assert proxy.asked(rule.method, rule.part) > rule.skip
    assert_all_is_there_once(world, sent)
    assert proxy.asked("POST", COMMIT) <= MOST_REQUESTS
    assert world.rows(tables.INCIDENTS) == []


LASTING = {
    "loads are dropped": (Rule("POST", LOAD, "drop_request", times=1e9), Kind.WAREHOUSE_FAILED, MOST_REQUESTS),
    "loads are told to come back later": (
        Rule("POST", LOAD, "status", times=1e9),
        Kind.WAREHOUSE_FAILED,
        MOST_REQUESTS,
    ),
    "load jobs fail": (Rule("POST", LOAD, "job_error", times=1e9), Kind.LOAD_FAILED, MAX_ATTEMPTS),
    "the quota of loads is used up": (
        Rule("POST", LOAD, "status", times=1e9, status=403, reason="quotaExceeded"),
        Kind.QUOTA_EXCEEDED,
        MAX_ATTEMPTS,
    ),
    "a load job fails for a quota": (
        Rule("POST", LOAD, "job_error", times=1e9, reason="quotaExceeded"),
        Kind.QUOTA_EXCEEDED,
        MAX_ATTEMPTS,
    ),
    "commits are dropped": (Rule("POST", COMMIT, "drop_request", times=1e9), Kind.LOAD_FAILED, 4 * MOST_REQUESTS),
    "the quota of queries is used up": (
        Rule("POST", COMMIT, "status", times=1e9, status=403, reason="quotaExceeded"),
        Kind.QUOTA_EXCEEDED,
        MAX_ATTEMPTS,
    ),
    "every request is dropped": (Rule("POST", "", "drop_request", times=1e9), Kind.WAREHOUSE_FAILED, MOST_REQUESTS),
}


@pytest.mark.parametrize(("rule", "kind", "most"), LASTING.values(), ids=LASTING)
def test_a_fault_that_lasts_is_one_incident_and_the_next_run_goes_on(
    world: World, proxy: Proxy, sent: list[tuple[int, int]], rule: Rule, kind: Kind, most: int
) -> None:
    before = world.control().end_offsets
    proxy.rules.append(replace(rule))
    with pytest.raises(Incident) as incident:
        drain(world, proxy)
    assert incident.value.kind is kind
    assert "\n" not in str(incident.value)
    assert world.control().end_offsets == before
    assert 0 < proxy.asked(rule.method, rule.part) <= most
    recorded = [row["kind"] for row in world.rows(tables.INCIDENTS)]
    assert recorded == ([] if kind is Kind.WAREHOUSE_FAILED else [kind])

    proxy.rules.clear()
    drain(world, proxy)
    assert_all_is_there_once(world, sent)


def test_a_commit_that_still_runs_when_its_answer_is_lost_is_waited_for(
    world: World, proxy: Proxy, sent: list[tuple[int, int]]
) -> None:
    proxy.rules += [
        Rule("POST", COMMIT, "drop_answer"),
        Rule("GET", f"/queries/{world.settings.pipeline}{COMMIT}", "status", times=1e9, status=400, reason="invalid"),
        Rule("GET", f"/jobs/{world.settings.pipeline}{COMMIT}", "still_running", times=4),
    ]
    drain(world, proxy)
    assert proxy.asked("GET", f"/jobs/{world.settings.pipeline}{COMMIT}") >= 5
    begun = {text.partition(COMMIT)[2].partition('"')[0] for method, text in proxy.requests if method == "POST"} - {""}
    assert len(begun) == 1
    assert_all_is_there_once(world, sent)


def test_a_commit_nobody_can_be_asked_about_is_not_repeated_but_found_by_the_next_run(
    world: World, proxy: Proxy, sent: list[tuple[int, int]]
) -> None:
    proxy.rules += [
        Rule("POST", COMMIT, "drop_answer", times=1e9),
        Rule("GET", f"/jobs/{world.settings.pipeline}{COMMIT}", "drop_answer", times=1e9),
    ]
    with pytest.raises(Incident) as incident:
        drain(world, proxy)
    assert incident.value.kind is Kind.WAREHOUSE_FAILED
    assert_all_is_there_once(world, sent)

    proxy.rules.clear()
    drain(world, proxy)
    assert_all_is_there_once(world, sent)


def test_a_control_row_that_cannot_be_read_back_is_not_taken_for_a_batch_unpublished(
    world: World, proxy: Proxy, sent: list[tuple[int, int]]
) -> None:
    # The first look is the one after the epoch is raised.
    proxy.rules += [
        Rule("POST", COMMIT, "drop_answer"),
        Rule("POST", CONTROL_READ, "status", skip=1, times=1e9),
    ]
    with pytest.raises(Incident) as incident:
        drain(world, proxy)
    assert incident.value.kind is Kind.WAREHOUSE_FAILED
    assert proxy.asked("POST", CONTROL_READ) <= MOST_REQUESTS
    assert_all_is_there_once(world, sent)

    proxy.rules.clear()
    drain(world, proxy)
    assert_all_is_there_once(world, sent)
