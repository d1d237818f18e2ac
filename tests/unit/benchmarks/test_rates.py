"""The loop that drains while there is traffic."""

import time
from typing import cast

import pytest

from benchmarks import rates
from benchmarks.rates import Sender, drain_until_quiet
from spark_jobs.run import Run


class PretendedTraffic:
    """A sender that sends for a while, and the run that drains it: each drain notes when it began."""

    def __init__(self, seconds: float) -> None:
        self.drains: list[float] = []
        self._end = time.monotonic() + seconds
        self._drained_to = 0.0

    def is_sending(self) -> bool:
        return time.monotonic() < self._end

    def drain_once(self, _deadline: float) -> bool:
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
    drain_until_quiet(cast(Run, traffic), cast(Sender, traffic), every)
    assert not traffic.drain_once(0)
    gaps = [after - before for before, after in zip(traffic.drains, traffic.drains[1:], strict=False)]
    assert all(gap >= every for gap in gaps[:-1])
    assert (len(traffic.drains) <= 5) == bool(every)
