"""In which order days are added and builds are measured."""

from benchmarks.one_machine.days import DAYS, Step, steps


def test_the_past_is_built_in_steps_and_each_measured_build_follows_one_more_day() -> None:
    assert list(steps([5, 1], step=2, rounds=1)) == [
        Step(0, 1),
        Step(1, 2, kept=1),
        Step(2, 4),
        Step(4, 5),
        Step(5, 6, kept=5),
    ]


def test_builds_are_measured_beside_one_day_a_full_memory_and_all_days() -> None:
    measured = [step.kept for step in steps(DAYS, step=3, rounds=2) if step.kept]
    assert measured == [1, 1, 29, 29, 90, 90]


def test_steps_follow_each_other_without_a_gap() -> None:
    for days, step, rounds in (([1], 3, 1), ([1, 2], 1, 3), ([1, 29], 3, 3), (DAYS, 7, 3)):
        plan = list(steps(days, step, rounds))
        assert [one.since for one in plan] == [0, *(one.until for one in plan[:-1])]
        assert all(one.until - one.since <= step or one.kept for one in plan)
