"""A lease among pods: one holder, the next as soon as it lets go or falls silent, whatever a pod's clock says."""

import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

from spark_jobs.processor.kubernetes_lease import LEASE_SECONDS, Answer, Lease, LeaseUnreachable, held


@dataclass
class Server:
    """One Lease, replaced only by who has read its newest version, as Kubernetes does it."""

    spec: dict[str, Any] = field(default_factory=dict)
    version: int = 1
    status: int = 200
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, method: str, body: dict[str, Any] | None) -> Answer:
        with self.lock:
            if self.status != 200:
                return self.status, {"message": "leases is forbidden"}
            if method == "PUT":
                assert body
                if body["metadata"]["resourceVersion"] != str(self.version):
                    return 409, {"message": "the object has been modified"}
                self.spec, self.version = body["spec"], self.version + 1
            return 200, {"metadata": {"name": "turn", "resourceVersion": str(self.version)}, "spec": dict(self.spec)}


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def lease(server: Server, holder: str, clock: Clock | None = None) -> Lease:
    return Lease("payments/turn", holder, server.ask, clock or Clock())


def test_a_free_lease_is_taken_by_the_first_and_refused_to_the_second(server: Server, clock: Clock) -> None:
    first, second = lease(server, "a", clock), lease(server, "b", clock)
    assert first.take()
    assert not second.take()
    assert first.take(), "it is renewed"
    assert server.spec["leaseTransitions"] == 1


def test_what_is_let_go_of_is_taken_at_once(server: Server, clock: Clock) -> None:
    first, second = lease(server, "a", clock), lease(server, "b", clock)
    assert first.take()
    assert not second.take()
    first.let_go()
    assert second.take()
    first.let_go()
    assert server.spec["holderIdentity"] == "b", "who has lost it lets go of nothing"


def test_a_holder_that_falls_silent_loses_it_after_its_time_and_not_before(server: Server, clock: Clock) -> None:
    first, second = lease(server, "a", clock), lease(server, "b", clock)
    assert first.take()
    assert not second.take()
    clock.now += LEASE_SECONDS - 0.1
    assert not second.take()
    clock.now += 0.2
    assert second.take()
    assert not first.take(), "it wakes up, and sees that it has lost it"


def test_a_holder_that_renews_keeps_it_however_long_it_takes(server: Server, clock: Clock) -> None:
    first, second = lease(server, "a", clock), lease(server, "b", clock)
    for _ in range(10):
        assert first.take()
        assert not second.take()
        clock.now += LEASE_SECONDS * 0.9


def test_the_clock_of_the_holder_does_not_matter(server: Server, clock: Clock) -> None:
    server.spec = {"holderIdentity": "a", "renewTime": "1999-01-01T00:00:00.000000Z", "leaseDurationSeconds": 6}
    assert not lease(server, "b", clock).take(), "a time of long ago is somebody else's clock, and no silence"


def test_of_two_that_see_it_free_one_gets_it(server: Server) -> None:
    stale = server.ask("GET", None)
    assert lease(server, "a").take()
    second = Lease("payments/turn", "b", lambda method, body: stale if method == "GET" else server.ask(method, body))
    assert not second.take()
    assert server.spec["holderIdentity"] == "a"


@pytest.mark.parametrize("status", [403, 404])
def test_a_lease_that_may_not_be_used_is_one_clear_line(server: Server, status: int) -> None:
    server.status = status
    with pytest.raises(LeaseUnreachable, match=rf"payments/turn cannot be used \({status}: leases is forbidden\)"):
        lease(server, "a").take()


def test_a_server_that_does_not_answer_is_one_clear_line() -> None:
    def ask(_method: str, _body: dict[str, Any] | None) -> Answer:
        raise ConnectionRefusedError("connection refused")

    with pytest.raises(LeaseUnreachable, match="does not answer for the lease payments/turn: connection refused"):
        Lease("payments/turn", "a", ask).take()


def test_the_second_warms_up_and_follows_when_the_first_is_done(server: Server) -> None:
    is_warm, events = threading.Event(), list[str]()

    def second() -> None:
        with held(lease(server, "b"), is_warm.set):
            events.append("second")

    with held(lease(server, "a"), lambda: pytest.fail("nobody else was at it")):
        thread = threading.Thread(target=second, daemon=True)
        thread.start()
        assert is_warm.wait(30)
        events.append("first")
    thread.join(30)
    assert events == ["first", "second"]
    assert server.spec["holderIdentity"] == ""
