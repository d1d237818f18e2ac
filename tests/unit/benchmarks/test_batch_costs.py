"""A batch's fixed cost and an event's own, told apart."""

import pytest

from benchmarks.batch_costs import Drain, Trial, line_through, table, together, verdict


def trial(rate: int, every: float, sizes: list[int], *, per_batch: float = 0.5, per_million: float = 40.0) -> Trial:
    """Drains of one batch each, of these sizes, at exactly that cost; and 0.1 CPU s of waiting for each."""
    drains = [Drain(1, size, per_batch + size / 1e6 * per_million, 1.0) for size in sizes]
    cpu = sum(drain.cpu_seconds for drain in drains) + len(drains) / 10
    return Trial(rate, every, 10.0, tuple(drains), cpu, sum(sizes) / 1e6 * 2, 100, 200)


STEADY = [
    trial(1_000, 0, [1_000, 1_100, 900]),
    trial(1_000, 5, [5_000, 5_000, 5_100]),
    trial(50_000, 0, [100_000, 300_000]),
]


def test_a_batchs_fixed_cost_and_an_events_own_are_told_apart() -> None:
    line = line_through(STEADY)
    assert [line.per_batch, line.per_million] == pytest.approx([0.5, 40.0])
    assert max(line.errors) < 1e-6
    assert line.own(STEADY[0])[0] == pytest.approx(40.0)


def test_a_drain_of_several_batches_pays_for_each() -> None:
    several = Trial(50_000, 0, 10.0, (Drain(3, 900_000, 3 * 0.5 + 0.9 * 40.0, 1.0),), 40.0, 1.0, 0, 0)
    assert line_through(STEADY).own(several)[0] == pytest.approx(40.0)
    assert several.batches == 3


def test_waiting_is_a_cost_but_not_of_events() -> None:
    assert line_through(STEADY).own(STEADY[1])[0] == pytest.approx(40.0)
    beside = STEADY[1].cpu_per_million - 40.0
    assert beside == pytest.approx(3 * (0.5 + 0.1) / STEADY[1].records * 1e6)


def test_rounds_of_one_rate_and_gap_are_told_together() -> None:
    again = [trial(1_000, 5, [7_000]), *STEADY]
    joined = together(again)
    assert [(t.rate, t.every_seconds) for t in joined] == [(1_000, 0), (1_000, 5), (50_000, 0)]
    assert joined[1].records == 22_100
    assert joined[1].cpu_seconds == pytest.approx(again[0].cpu_seconds + STEADY[1].cpu_seconds)
    assert joined[1].seconds == 20.0


def test_an_error_of_the_fixed_cost_weighs_more_on_small_batches() -> None:
    noisy = [*STEADY, trial(5_000, 0, [5_000, 6_000, 7_000], per_batch=0.6)]
    line = line_through(noisy)
    (_, of_small), (_, of_large) = line.own(noisy[0]), line.own(noisy[2])
    assert of_small > of_large > 0


def test_the_first_batch_of_a_rate_carries_its_start_and_does_not_decide() -> None:
    slow_start = Trial(1, 0, 1.0, (Drain(1, 10, 9.0, 1.0), *STEADY[0].drains), 9.0, 0.0, 0, 0)
    assert line_through([slow_start, *STEADY]).per_batch == pytest.approx(0.5)


def test_too_few_batches_make_no_line() -> None:
    with pytest.raises(ValueError, match="longer"):
        line_through([trial(1_000, 0, [1_000, 2_000, 3_000])])


def test_the_verdict_is_by_the_dearest_and_the_cheapest_rate() -> None:
    assert "0% apart: within 10%" in verdict(STEADY, line_through(STEADY))
    dear = [*STEADY, trial(25_000, 0, [100_000, 100_000, 100_000], per_million=80.0)]
    assert "**not** within 10%" in verdict(dear, line_through(STEADY))


def test_the_verdict_says_from_which_rate_on_costs_are_constant() -> None:
    dear = trial(500, 0, [100_000, 100_000], per_million=60.0)
    said = verdict([dear, *STEADY, trial(5_000, 0, [100_000], per_million=42.0)], line_through(STEADY))
    assert "to 60 CPU s (at 500/s), 50% apart: **not** within 10%." in said
    _, _, of_the_others = said.partition("Of rates from 1,000/s on, ")
    assert of_the_others.endswith("to 42 CPU s (at 5,000/s), 5% apart: within 10%.")


def test_a_rate_whose_batches_hold_too_little_is_named_and_does_not_decide() -> None:
    noisy = [*STEADY, trial(5_000, 0, [500_000, 600_000]), trial(10, 0, [10, 11, 12, 13], per_batch=0.6)]
    said = verdict(noisy, line_through(noisy))
    assert "at 10/s" in said.split("too little to tell:")[1]
    assert "(at 10/s)" not in said


def test_the_table_has_a_row_for_each_rate_and_gap() -> None:
    lines = [line for line in table(STEADY).splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(STEADY)
    assert {line.count("|") for line in lines} == {12}
    assert "| 1,000 | every 5 s | 3 | 5,033 |" in lines[3]
