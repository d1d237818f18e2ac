"""A lease among machines: one holder, the next one when it lets go or falls silent, whatever their own clocks say."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.turns import lease as module
from spark_jobs.turns.lease import POLL_SECONDS, RENEWALS, Lease, LeaseHold, LeaseRow, by_lease

SECONDS = 6
AWAY = Incident(IncidentKind.WAREHOUSE_FAILED, "the warehouse refused or was silent: connection refused.")


@dataclass
class Warehouse:
    """The row, and the only clock that says when it is over. A statement changes what it finds, one after the other."""

    now: datetime = datetime(2026, 11, 29, tzinfo=UTC)
    row: LeaseRow = field(init=False)
    statements: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.row = LeaseRow("", 0, self.now, self.now)

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Network:
    """The warehouse as one machine reaches it."""

    warehouse: Warehouse
    is_split: bool = False
    loses_answers: bool = False

    def read(self) -> LeaseRow:
        self._reach()
        return self.warehouse.row

    def take(self, holder: str, seconds: int) -> None:
        self._change("take", lambda row: not row.holder or row.expires_at <= self.warehouse.now, holder, seconds, 1)

    def renew(self, holder: str, seconds: int) -> None:
        self._change("renew", lambda row: row.holder == holder, holder, seconds, 0)

    def let_go(self, holder: str) -> None:
        self._change("let go", lambda row: row.holder == holder, "", 0, 0)

    def _change(self, name: str, condition: Callable[[LeaseRow], bool], holder: str, seconds: int, more: int) -> None:
        self._reach()
        house = self.warehouse
        with house.lock:
            house.statements.append(name)
            if condition(house.row):
                lasts = timedelta(seconds=seconds)
                house.row = LeaseRow(holder, house.row.epoch + more, house.now, house.now + lasts)
        if self.loses_answers:
            raise AWAY

    def _reach(self) -> None:
        if self.is_split:
            raise AWAY


@dataclass
class Clock:
    """A machine's own, which may be wrong, stand still or run fast."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def warehouse() -> Warehouse:
    return Warehouse()


def machine(warehouse: Warehouse, holder: str, started_at: float = 100.0) -> tuple[Lease, Network, Clock]:
    network, clock = Network(warehouse), Clock(started_at)
    return Lease(network, holder, SECONDS, clock), network, clock


def time_passes(seconds: float, warehouse: Warehouse, *clocks: Clock) -> None:
    warehouse.later(seconds)
    for clock in clocks:
        clock.now += seconds


def test_of_two_pods_the_first_takes_it_and_the_second_is_refused(warehouse: Warehouse) -> None:
    (first, *_), (second, *_) = machine(warehouse, "a"), machine(warehouse, "b")
    assert first.take()
    assert not second.take()
    assert first.take(), "it is ours already"
    assert (warehouse.row.holder, warehouse.row.epoch) == ("a", 1)


def test_of_two_that_saw_it_free_at_once_one_gets_it(warehouse: Warehouse) -> None:
    (first, *_), (second, network, _) = machine(warehouse, "a"), machine(warehouse, "b")
    free = warehouse.row
    assert first.take()
    answers = iter([free])
    network.read = lambda: next(answers, warehouse.row)  # type: ignore[method-assign]
    assert not second.take()
    assert warehouse.row.holder == "a"


def test_who_stands_by_sends_no_statement_while_the_other_renews(warehouse: Warehouse) -> None:
    (first, *_), (second, _, clock) = machine(warehouse, "a"), machine(warehouse, "b")
    assert first.take()
    assert not second.take()
    warehouse.statements.clear()
    for _ in range(100):
        time_passes(SECONDS / RENEWALS, warehouse, clock)
        assert first.renew()
        assert not second.take()
    assert warehouse.statements == ["renew"] * 100, "looking is billed nothing, a statement is"
    assert warehouse.row.epoch == 1


def test_a_lease_that_was_let_go_of_is_taken_at_the_next_look(warehouse: Warehouse) -> None:
    (first, *_), (second, *_) = machine(warehouse, "a"), machine(warehouse, "b")
    assert first.take()
    assert not second.take()
    first.let_go()
    assert second.take()
    assert warehouse.row.epoch == 2
    first.let_go()
    assert warehouse.row.holder == "b", "who has lost it lets go of nothing"


def test_a_dead_holders_lease_is_taken_when_it_is_over_and_not_before(warehouse: Warehouse) -> None:
    (first, *_), (second, _, clock) = machine(warehouse, "a"), machine(warehouse, "b")
    assert first.take()
    assert not second.take()
    waited = 0.0
    while not second.take():
        time_passes(POLL_SECONDS, warehouse, clock)
        waited += POLL_SECONDS
    assert SECONDS <= waited <= SECONDS + POLL_SECONDS
    assert warehouse.statements.count("take") <= 2 + 2, "one at the first look, and a few about its end"


def test_a_lease_that_was_over_long_ago_is_taken_at_the_first_look(warehouse: Warehouse) -> None:
    (first, *_), (second, *_) = machine(warehouse, "a"), machine(warehouse, "b")
    assert first.take()
    warehouse.later(3600)
    assert second.take()


def of_a_frozen_pod(warehouse: Warehouse) -> LeaseHold:
    """What `a` believes to hold, whose clock has stood still while `b` took over."""
    (first, _, frozen), (second, _, clock) = machine(warehouse, "a"), machine(warehouse, "b")
    assert first.take()
    hold = LeaseHold(first, frozen)
    assert not second.take()
    time_passes(SECONDS, warehouse, clock)
    assert second.take()
    return hold


def test_a_frozen_pod_that_wakes_up_after_its_lease_finds_that_it_is_anothers(warehouse: Warehouse) -> None:
    hold = of_a_frozen_pod(warehouse)
    hold.check()
    hold.renew()
    for asked in (hold.check, hold.confirm):
        with pytest.raises(Incident, match=r"FENCED: the lease of a is another run's by now") as lost:
            asked()
        assert "\n" not in str(lost.value)
    assert warehouse.row.holder == "b"


def test_a_frozen_pod_that_begins_a_run_asks_before_it_takes_over(warehouse: Warehouse) -> None:
    hold = of_a_frozen_pod(warehouse)
    with pytest.raises(Incident, match="FENCED"):
        hold.confirm()


def test_a_pod_that_was_frozen_while_nobody_stood_by_goes_on(warehouse: Warehouse) -> None:
    first, _, clock = machine(warehouse, "a")
    assert first.take()
    hold = LeaseHold(first, clock)
    time_passes(10 * SECONDS, warehouse, clock)
    hold.renew()
    hold.check()
    assert warehouse.row.epoch == 1


@pytest.mark.parametrize("offset", [-1e9, -3600.0, 0.0, 3600.0, 1e9])
def test_a_pod_whose_clock_is_wrong_neither_takes_it_too_soon_nor_too_late(warehouse: Warehouse, offset: float) -> None:
    (first, *_), (second, _, clock) = machine(warehouse, "a"), machine(warehouse, "b", 100.0 + offset)
    assert first.take()
    assert not second.take()
    time_passes(SECONDS - 0.1, warehouse, clock)
    assert not second.take()
    time_passes(0.1, warehouse, clock)
    assert second.take()


@pytest.mark.parametrize("speed", [1.05, 2.0, 1000.0])
def test_a_clock_that_runs_fast_asks_more_often_and_takes_nothing_that_is_not_over(
    warehouse: Warehouse, speed: float
) -> None:
    (first, *_), (second, _, clock) = machine(warehouse, "a"), machine(warehouse, "b")
    assert first.take()
    for _ in range(20):
        assert not second.take()
        warehouse.later(SECONDS / RENEWALS)
        clock.now += speed * SECONDS / RENEWALS
        assert not second.take()
        assert first.renew()
    assert warehouse.row.holder == "a"


def test_a_split_network_changes_the_holder_once_and_the_first_ends_when_it_is_whole_again(
    warehouse: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    (first, network, first_clock), (second, _, clock) = machine(warehouse, "a"), machine(warehouse, "b")
    assert first.take()
    hold = LeaseHold(first, first_clock)
    assert not second.take()
    network.is_split = True
    for _ in range(RENEWALS + 1):
        time_passes(SECONDS / RENEWALS, warehouse, clock, first_clock)
        hold.renew()
        hold.check()
    assert second.take()
    for _ in range(5):
        first_clock.now += SECONDS
        hold.renew()
    assert [record.message[:33] for record in caplog.records] == ["the lease could not be renewed fo"], (
        "it is said once"
    )
    network.is_split = False
    hold.renew()
    with pytest.raises(Incident, match="FENCED"):
        hold.check()
    assert (warehouse.row.holder, warehouse.row.epoch) == ("b", 2)


def test_a_network_that_is_whole_again_before_anybody_took_over_costs_nothing(warehouse: Warehouse) -> None:
    first, network, clock = machine(warehouse, "a")
    assert first.take()
    hold = LeaseHold(first, clock)
    network.is_split = True
    time_passes(SECONDS / 2, warehouse, clock)
    hold.renew()
    network.is_split = False
    hold.renew()
    hold.check()
    assert warehouse.row.expires_at == warehouse.now + timedelta(seconds=SECONDS)


def test_an_answer_that_is_lost_is_read_back(warehouse: Warehouse) -> None:
    first, network, clock = machine(warehouse, "a")
    network.loses_answers = True
    assert first.take(), "it was taken, whatever was heard"
    hold = LeaseHold(first, clock)
    hold.renew()
    hold.check()
    with pytest.raises(Incident, match="WAREHOUSE_FAILED"):
        first.renew()


def test_a_warehouse_that_is_away_at_the_start_is_one_clear_line(warehouse: Warehouse) -> None:
    first, network, _ = machine(warehouse, "a")
    network.is_split = True
    with pytest.raises(Incident, match=r"WAREHOUSE_FAILED: .*connection refused"):
        first.take()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 0.001)


@pytest.mark.usefixtures("quick")
def test_the_second_warms_up_and_follows_when_the_first_is_done(warehouse: Warehouse) -> None:
    is_warm, events = threading.Event(), list[str]()
    first, second = (Lease(Network(warehouse), holder, SECONDS) for holder in "ab")

    def follow() -> None:
        with by_lease(second, is_warm.set, lambda: events.append("waits")):
            events.append("second")

    with by_lease(first, lambda: pytest.fail("nobody else was at it")) as hold:
        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        assert is_warm.wait(30)
        hold.confirm()
        events.append("first")
    thread.join(30)
    assert [event for event in events if event != "waits"] == ["first", "second"]
    assert warehouse.row.holder == ""


@pytest.mark.usefixtures("quick")
def test_who_waits_outlasts_a_warehouse_that_is_away_for_a_while(warehouse: Warehouse) -> None:
    warehouse.row = replace(warehouse.row, holder="b", expires_at=warehouse.now + timedelta(hours=1))
    network = Network(warehouse)
    looks = 0

    def read() -> LeaseRow:
        nonlocal looks
        looks += 1
        if 2 < looks < 6:
            raise AWAY
        if looks == 8:
            warehouse.row = replace(warehouse.row, holder="")
        return warehouse.row

    network.read = read  # type: ignore[method-assign]
    with by_lease(Lease(network, "a", SECONDS), lambda: None):
        assert warehouse.row.holder == "a"


@pytest.mark.usefixtures("quick")
def test_who_waits_for_a_warehouse_that_never_comes_back_ends_with_one_line(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.0)
    warehouse.row = replace(warehouse.row, holder="b", expires_at=warehouse.now + timedelta(hours=1))
    network = Network(warehouse)

    def split() -> None:
        network.is_split = True

    with pytest.raises(Incident, match="WAREHOUSE_FAILED"), by_lease(Lease(network, "a", SECONDS), split):
        pass


@pytest.mark.usefixtures("quick")
def test_a_run_that_fails_lets_go_all_the_same(warehouse: Warehouse) -> None:
    with pytest.raises(ValueError, match="failed"), by_lease(Lease(Network(warehouse), "a", SECONDS), lambda: None):
        raise ValueError("failed")
    assert warehouse.row.holder == ""


def test_the_thread_renews_and_stops_with_the_block(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RENEWALS", 6000)
    renewed = threading.Event()
    network = Network(warehouse)
    renew = network.renew

    def noted(holder: str, seconds: int) -> None:
        renew(holder, seconds)
        if warehouse.statements.count("renew") >= 3:
            renewed.set()

    network.renew = noted  # type: ignore[method-assign]
    with by_lease(Lease(network, "a", SECONDS), lambda: None):
        assert renewed.wait(30)
    assert not [thread for thread in threading.enumerate() if thread.name == "lease"]
    assert warehouse.statements[-1] == "let go"
