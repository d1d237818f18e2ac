"""Microseconds a record, from readings of the meter."""

from benchmarks.measurements.stages import per_record


def reading(spark: float, wall: float) -> dict[str, float]:
    return {"spark": spark, "wall": wall}


def test_the_first_batch_is_left_out() -> None:
    readings = [reading(0, 100), reading(50, 150), reading(51, 152), reading(52, 156)]
    assert per_record(readings, [1000, 400_000, 600_000]) == {"spark": 2.0, "wall": 6.0}


def test_the_only_batch_is_not() -> None:
    assert per_record([reading(1, 5), reading(4, 9)], [500_000]) == {"spark": 6.0, "wall": 8.0}
