"""Whose turn it is among pods: one Lease of Kubernetes, held by the run at work, taken when it ends or falls silent.

Belongs here: taking, renewing and letting go of the lease. Does not belong here: the lock of one machine (driver),
fencing, which is the warehouse's: a pod that is frozen and wakes up after its lease is over can publish nothing.
"""

import json
import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any

LEASE_SECONDS = 6
"""How long a holder may be silent before another takes over."""
RENEWALS = 3
"""So many times within that a holder renews: one request may be lost."""
POLL_SECONDS = 1.0

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_SERVER = "kubernetes.default.svc"
_ANSWER_SECONDS = 2.0
_CONFLICT = 409

type Answer = tuple[int, dict[str, Any]]
type Ask = Callable[[str, dict[str, Any] | None], Answer]
"""Asks for the lease with GET, or replaces it with PUT and a body: the status and what came back."""

log = logging.getLogger(__name__)


class LeaseUnreachable(RuntimeError):
    """The lease cannot be read or written. The message is one line that says what to do."""


@dataclass
class Lease:
    """A Lease as one of those sees it who want it. Its clock is its own: another pod's may be wrong."""

    name: str
    holder: str
    ask: Ask
    clock: Callable[[], float] = time.monotonic
    _seen: tuple[str, str] = field(default=("", ""), init=False)
    _seen_at: float = field(default=0.0, init=False)

    def take(self) -> bool:
        """Take or renew the lease where it is ours, free, or over; whether it is ours now.

        Raises:
            LeaseUnreachable: there is no such lease, or it may not be read or written.
        """
        found = self._asked("GET", None)
        spec = found.get("spec") or {}
        theirs = spec.get("holderIdentity") or ""
        seen = (theirs, spec.get("renewTime") or "")
        now = self.clock()
        if seen != self._seen:
            self._seen, self._seen_at = seen, now
        lasts = spec.get("leaseDurationSeconds") or LEASE_SECONDS
        if theirs not in ("", self.holder) and now - self._seen_at < lasts:
            return False
        return self._write(found, self.holder)

    def let_go(self) -> None:
        """Free the lease where it is still ours: the next holder need not wait for its end."""
        found = self._asked("GET", None)
        if (found.get("spec") or {}).get("holderIdentity") == self.holder:
            self._write(found, "")

    def _write(self, found: dict[str, Any], holder: str) -> bool:
        spec = found.get("spec") or {}
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        changed = {"holderIdentity": holder, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": at}
        if spec.get("holderIdentity") != holder:
            changed |= {"acquireTime": at, "leaseTransitions": (spec.get("leaseTransitions") or 0) + 1}
        # With the resourceVersion that was read: whoever writes second is refused.
        return bool(self._asked("PUT", {**found, "spec": {**spec, **changed}}))

    def _asked(self, method: str, body: dict[str, Any] | None) -> dict[str, Any]:
        try:
            status, answer = self.ask(method, body)
        except (OSError, HTTPException, ValueError) as error:
            raise LeaseUnreachable(f"Kubernetes does not answer for the lease {self.name}: {error}") from error
        if status == _CONFLICT:
            return {}
        if status != 200:
            raise LeaseUnreachable(
                f"the lease {self.name} cannot be used ({status}: {answer.get('message', 'no word')}): it must be "
                "there, and the pod's account must have leave to get and update it"
            )
        return answer


def in_cluster(name: str) -> Ask:
    """Asks the cluster that this pod runs in, as the pod's own account. `name` is NAMESPACE/LEASE."""
    namespace, _, lease = name.partition("/")
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{lease}"

    def ask(method: str, body: dict[str, Any] | None) -> Answer:
        # Read each time: the cluster replaces it now and then.
        token = (_ACCOUNT / "token").read_text()
        context = ssl.create_default_context(cafile=str(_ACCOUNT / "ca.crt"))
        return request(HTTPSConnection(_SERVER, timeout=_ANSWER_SECONDS, context=context), method, path, token, body)

    return ask


def request(connection: HTTPSConnection, method: str, path: str, token: str, body: dict[str, Any] | None) -> Answer:
    """One request on a connection that is closed after it."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


@contextmanager
def held(
    lease: Lease, before_waiting: Callable[[], None], waiting: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Wait until the lease is ours, and renew it until we are done; then let go of it.

    Args:
        lease: to hold.
        before_waiting: called once, where somebody else holds it.
        waiting: called again and again while it is waited for.
    """
    if not lease.take():
        before_waiting()
        while not lease.take():
            waiting()
            time.sleep(POLL_SECONDS)
    ended = threading.Event()
    renewing = threading.Thread(target=_renew, args=(lease, ended), daemon=True, name="lease")
    renewing.start()
    try:
        yield
    finally:
        ended.set()
        renewing.join()
        try:
            lease.let_go()
        except LeaseUnreachable as error:
            log.warning("%s; it ends by itself", error)


def _renew(lease: Lease, ended: threading.Event) -> None:
    while not ended.wait(LEASE_SECONDS / RENEWALS):
        try:
            if not lease.take():
                log.warning("the lease %s is another's now: the next batch is fenced", lease.name)
        except LeaseUnreachable as error:
            log.warning("%s", error)
