"""The loop that drains while there is traffic."""

import time
from typing import cast

import pytest

from benchmarks.measurements import rates
from benchmarks.measurements.rates import drain_until_quiet
from benchmarks.measurements.traffic import Sender


class PretendedTraffic:
    """A sender that sends for a while, and the run that drains it: each drain notes when it began."""

    def __init__(self, seconds: float) -> None:
        self.drains: list[float] = []
        self._end = time.monotonic() + seconds
        self._drained_to = 0.0

    def is_sending(self) -> bool:
        return time.monotonic() < self._end

    def drain(self) -> bool:
        sent_to = min(time.monotonic(), self._end)
        is_new = sent_to > self._drained_to
        self._drained_to = sent_to
        if is_new:
            self.drains.append(time.monotonic())
        return is_new


def test_all_is_drained_while_there_is_traffic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "POLL_SECONDS", 0.001)
    traffic = PretendedTraffic(seconds=0.2)
    drain_until_quiet(traffic.drain, cast(Sender, traffic))
    assert traffic.drains
    assert not traffic.drain()
