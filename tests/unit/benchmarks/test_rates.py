"""The loop that drains while there is traffic."""

import time
from typing import cast

import pytest

from benchmarks import rates
from benchmarks.rates import LEAST_BATCHES, Sender, drain_until_quiet, pace


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


@pytest.mark.parametrize("every", [0.0, 0.1])
def test_all_is_drained_in_batches_that_keep_their_distance(every: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "POLL_SECONDS", 0.001)
    traffic = PretendedTraffic(seconds=0.35)
    drain_until_quiet(traffic.drain, cast(Sender, traffic), every)
    assert not traffic.drain()
    gaps = [after - before for before, after in zip(traffic.drains, traffic.drains[1:], strict=False)]
    assert all(gap >= every for gap in gaps[:-1])
    assert (len(traffic.drains) <= 5) == bool(every)


def test_a_slow_rate_goes_on_until_its_batches_hold_as_much_as_those_of_a_fast_one() -> None:
    assert pace(1_000, 50_000, seconds=15.0) == (LEAST_BATCHES * 50.0, 50.0)
    assert pace(50_000, 50_000, seconds=15.0) == (15.0, 1.0)
    assert pace(1_000, 0, seconds=15.0) == (15.0, 0.0)
