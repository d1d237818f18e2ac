"""The pretended stream through the job's own state: what it reaches, and what it forgets."""

from pathlib import Path

from benchmarks.measurements.state import Stream, condensed, figures, plot


def test_an_hour_of_ids_is_remembered_and_a_day_of_them_is_not(tmp_path: Path) -> None:
    points = list(Stream(tmp_path, rate=20, batch_seconds=300).run(hours=6))
    hour = 20 * 3600 * 0.98
    assert max(point.keys for point in points) <= 1.5 * hour
    assert points[-1].keys >= 0.98 * hour
    assert points[-1].hours == 6


def test_points_are_condensed_to_the_end_of_each_stretch(tmp_path: Path) -> None:
    points = list(Stream(tmp_path, rate=20, batch_seconds=60).run(hours=0.5))
    few = condensed(points, 4)
    assert len(few) == 4
    assert (few[-1].keys, few[-1].hours) == (points[-1].keys, points[-1].hours)
    assert min(p.batch_seconds for p in points) <= few[0].batch_seconds <= max(p.batch_seconds for p in points)


def test_the_plot_is_the_same_for_the_same_points(tmp_path: Path) -> None:
    points = list(Stream(tmp_path, rate=4, batch_seconds=60).run(hours=0.1))
    for name in ("one.svg", "two.svg"):
        plot(points, points, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_the_figures_are_those_of_the_greatest_state(tmp_path: Path) -> None:
    last = list(Stream(tmp_path, rate=20, batch_seconds=300).run(hours=1))[-1]
    shown = figures(last, 6_000, last, 3_000)
    assert shown["state_day_microseconds_an_id"] == 2 * float(shown["state_microseconds_an_id"])
    assert shown["state_keys"] == last.keys
    assert shown["state_bytes_per_key"] == last.state_bytes / last.keys
    assert shown["state_megabytes"] == last.state_bytes / 1e6
