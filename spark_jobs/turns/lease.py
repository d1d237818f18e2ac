"""A turn among machines: a lease, held by the run at work, taken by another when it ends or falls silent.

Belongs here: taking, renewing and letting go, and what a holder does whose lease is another's. Does not belong here:
SQL (lease_table). Only the warehouse's clock says that a lease is over. Who waits measures by its own clock nothing but
how long it has seen the same row: that says when to ask.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.turns.turn import Hold

RENEWALS = 3
"""So many times within a lease its holder renews it: one request may be lost."""
POLL_SECONDS = 0.5
PATIENCE_SECONDS = 120.0
"""How long the warehouse may fail before who waits, or begins a run, gives up."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """A lease as the warehouse has it. `epoch` counts holders; without a `holder` the lease is free."""

    holder: str
    epoch: int
    renewed_at: datetime
    expires_at: datetime


class LeaseTable(Protocol):
    """Where the lease is kept. Every method raises an Incident where the warehouse fails or is silent.

    The outcome of one that raises is unknown: `read` tells it.
    """

    def read(self) -> LeaseRow:
        """The row as it is. It is billed nothing."""

    def take(self, holder: str, seconds: int) -> None:
        """Give it to `holder` for so long, where it is free or over by the warehouse's clock."""

    def renew(self, holder: str, seconds: int) -> None:
        """Let it last so long from now, by the warehouse's clock, where it is `holder`'s."""

    def let_go(self, holder: str) -> None:
        """Free it, where it is `holder`'s."""


@dataclass
class Lease:
    """The lease as one of those sees it who want it."""

    table: LeaseTable
    holder: str
    seconds: int
    clock: Callable[[], float] = time.monotonic
    _seen: LeaseRow | None = field(default=None, init=False)
    _seen_at: float = field(default=0.0, init=False)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock, init=False)

    def take(self) -> bool:
        """Take the lease where it is ours, free or over; whether it is ours now.

        Raises:
            Incident: the warehouse does not say.
        """
        is_first_look = self._seen is None
        row = self.table.read()
        if row != self._seen:
            self._seen, self._seen_at = row, self.clock()
        if row.holder == self.holder:
            return True
        if row.holder and not is_first_look and self.clock() - self._seen_at < self._lasts(row):
            return False
        try:
            self.table.take(self.holder, self.seconds)
        except Incident as unknown:
            log.info("whether the lease was taken is read back: %s", unknown)
        return self.table.read().holder == self.holder

    def renew(self) -> bool:
        """Renew the lease; whether it is still ours.

        Raises:
            Incident: the warehouse does not say, or has not renewed it.
        """
        with self._one_at_a_time:
            failed: Incident | None = None
            try:
                self.table.renew(self.holder, self.seconds)
            except Incident as unknown:
                failed = unknown
            if self.table.read().holder != self.holder:
                return False
            if failed:
                raise failed
            return True

    def let_go(self) -> None:
        """Free the lease where it is still ours: the next holder need not wait for its end."""
        self.table.let_go(self.holder)

    def _lasts(self, row: LeaseRow) -> float:
        # A look too early costs a statement, one too late the time of a poll.
        return (row.expires_at - row.renewed_at).total_seconds() - POLL_SECONDS


class LeaseHold(Hold):
    """A lease that is ours until another takes it: then `check` and `confirm` raise."""

    def __init__(self, lease: Lease, clock: Callable[[], float] = time.monotonic) -> None:
        self._lease = lease
        self._clock = clock
        self._is_lost = threading.Event()
        self._renewed_at = clock()
        self._has_warned = False

    def check(self) -> None:
        """By what the last renewal has found out."""
        if self._is_lost.is_set():
            raise Incident(
                IncidentKind.FENCED,
                f"the lease of {self._lease.holder} is another run's by now, which has taken over; this one ends.",
            )

    def confirm(self) -> None:
        """By a renewal: a process that was frozen must not take over from who took over from it."""
        deadline = self._clock() + PATIENCE_SECONDS
        while True:
            try:
                self._note(self._lease.renew())
            except Incident:
                if self._clock() > deadline:
                    raise
                time.sleep(POLL_SECONDS)
            else:
                return self.check()

    def renew(self) -> None:
        """Once, from the thread that renews. A failure is no loss: it is tried again, and said once."""
        try:
            self._note(self._lease.renew())
        except Incident as failed:
            silent = self._clock() - self._renewed_at
            if silent > self._lease.seconds and not self._has_warned:
                self._has_warned = True
                log.warning(
                    "the lease could not be renewed for %.0f s, and another run may take over: %s", silent, failed
                )

    def _note(self, is_ours: bool) -> None:
        if is_ours:
            self._renewed_at, self._has_warned = self._clock(), False
        elif not self._is_lost.is_set():
            self._is_lost.set()
            log.warning("the lease of %s is another run's by now: this one ends", self._lease.holder)


@contextmanager
def by_lease(
    lease: Lease, before_waiting: Callable[[], None], waiting: Callable[[], None] = lambda: None
) -> Iterator[LeaseHold]:
    """Wait until the lease is ours, and renew it until we are done; then let go of it.

    Args:
        lease: to hold.
        before_waiting: called once, where somebody else holds it.
        waiting: called again and again while it is waited for and the warehouse answers.
    """
    if not lease.take():
        before_waiting()
        _wait(lease, waiting)
    hold = LeaseHold(lease)
    ended = threading.Event()
    renewing = threading.Thread(target=_renew, args=(lease, hold, ended), daemon=True, name="lease")
    renewing.start()
    try:
        yield hold
    finally:
        ended.set()
        renewing.join()
        try:
            lease.let_go()
        except Incident as error:
            log.warning("the lease was not let go of, and ends by itself: %s", error)


def _wait(lease: Lease, waiting: Callable[[], None]) -> None:
    answered_at = time.monotonic()
    while True:
        try:
            if lease.take():
                return
        except Incident as silent:
            if time.monotonic() - answered_at > PATIENCE_SECONDS:
                raise
            log.info("the lease is asked for again: %s", silent)
        else:
            answered_at = time.monotonic()
            waiting()
        time.sleep(POLL_SECONDS)


def _renew(lease: Lease, hold: LeaseHold, ended: threading.Event) -> None:
    while not ended.wait(lease.seconds / RENEWALS):
        hold.renew()
