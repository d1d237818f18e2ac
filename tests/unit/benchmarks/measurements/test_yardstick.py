"""The yardstick, on the cores of this machine."""

import os
import time
from pathlib import Path

import pytest

from benchmarks.measurements.yardstick import Yardstick

PATIENCE_SECONDS = 30


def first_stroke(yardstick: Yardstick) -> float:
    """CPU seconds of the first strokes that end from now on."""
    began = time.monotonic()
    while True:
        time.sleep(0.01)
        try:
            return yardstick.stroke_seconds(began, time.monotonic())
        except ValueError:
            assert time.monotonic() - began < PATIENCE_SECONDS


def test_every_core_has_its_strokes_until_the_yardstick_is_put_away() -> None:
    with Yardstick() as yardstick:
        assert len(yardstick.pids) == len(os.sched_getaffinity(0))
        assert first_stroke(yardstick) > 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in yardstick.pids)


def test_a_window_without_a_stroke_has_no_mean() -> None:
    with Yardstick() as yardstick, pytest.raises(ValueError, match="no stroke"):
        yardstick.stroke_seconds(0.0, 0.0)


def test_a_yardstick_that_is_put_away_leaves_no_half_line_even_unbuffered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    for _ in range(3):
        with Yardstick() as yardstick:
            first_stroke(yardstick)
