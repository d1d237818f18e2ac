"""What batches cost by the rate of their events, in tables."""

import pytest

from benchmarks.measurements.batch_costs import Burst, Drain, Trial, bursts_table, together, trials_table, verdict


def trial(rate: int, sizes: list[int]) -> Trial:
    """Drains of one batch each, of these sizes."""
    drains = tuple(Drain(1, size, 0.5 + size / 1e6 * 40, 1.0) for size in sizes)
    return Trial(rate, 10.0, drains, sum(drain.cpu_seconds for drain in drains) + 0.1, sum(sizes) / 1e6 * 2, 100, 200)


def burst(rate: int, cpu_seconds: float, stroke_seconds: float = 0.001) -> Burst:
    """One batch of a burst; waiting for it took a hundredth of a core."""
    return Burst(rate, 1e5 / rate, 1e3 / rate, Drain(1, 101_000, cpu_seconds, 1.0), stroke_seconds)


def nearly_empty(*rates: int, cpu_seconds: float = 0.5) -> list[Burst]:
    """Three for each rate, of a thousand records."""
    return [Burst(rate, 1e5 / rate, 0.0, Drain(1, 1_000, cpu_seconds, 1.0), 0.001) for rate in rates * 3]


def rows(table: str) -> list[str]:
    return [line for line in table.splitlines() if line.startswith("|")][2:]


def test_rounds_of_one_rate_are_told_together() -> None:
    joined = together([trial(1_000, [1_000]), trial(50_000, [70_000]), trial(1_000, [2_000, 3_000])])
    assert [(t.rate, t.seconds, t.batches, t.records) for t in joined] == [
        (1_000, 20.0, 3, 6_000),
        (50_000, 10.0, 1, 70_000),
    ]
    assert joined[0].cpu_seconds == pytest.approx(3 * 0.5 + 0.006 * 40 + 2 * 0.1)


def test_the_table_of_trials_has_a_row_for_each_rate() -> None:
    table = trials_table([trial(50_000, [70_000]), trial(1_000, [1_000, 3_000])])
    slow, fast = rows(table)
    assert slow.startswith("| 1,000 | 10 | 2 | 2,000 | 0.25 | 0.5 | 1 | 0.63 | 315 |")
    assert fast.startswith("| 50,000 | 10 | 1 | 70,000 |")
    assert {line.count("|") for line in table.splitlines() if line.startswith("|")} == {11}


def test_what_waiting_takes_is_told_beside_the_cost_of_a_batch() -> None:
    table = bursts_table([burst(1_000, 2.0), burst(1_000, 2.2), burst(1_000, 9.0)], nearly_empty(1_000))
    assert rows(table) == ["| 1,000 | 100 | 3 | 101,000 | 2.2 | 2.2 | 2.1 and 5.6 | 0.5 | 17 | 0.01 |"]


def test_what_a_batch_costs_whatever_is_in_it_is_not_a_cost_of_its_events() -> None:
    after_pauses = [*[burst(1_000, 2.4)] * 3, *[burst(50_000, 2.0)] * 3]
    without = [*nearly_empty(1_000, cpu_seconds=0.9), *nearly_empty(50_000)]
    table = bursts_table(after_pauses, without)
    assert [row.split(" | ")[7:9] for row in rows(table)] == [["0.9", "15"], ["0.5", "15"]]
    assert "0% apart: within 10%" in table


def test_one_slow_batch_does_not_decide_what_a_rate_costs() -> None:
    of_rates = [burst(rate, cost) for cost in (2.0, 2.1, 6.0) for rate in (1_000, 50_000)]
    assert "0% apart: within 10%" in bursts_table(of_rates, nearly_empty(1_000, 50_000))


def test_a_batch_on_a_slow_core_costs_what_it_would_have_on_the_others() -> None:
    of_rates = [*[burst(1_000, 4.0, 0.002)] * 2, *[burst(9_000, 2.0)] * 3]
    table = bursts_table(of_rates, nearly_empty(1_000, 9_000))
    assert [row.split(" | ")[4:6] for row in rows(table)] == [["4", "2"], ["2", "2"]]
    assert "0% apart" in table


def test_a_drain_of_two_batches_is_seen_in_the_table() -> None:
    split = Burst(5_000, 20.0, 0.1, Drain(2, 101_000, 2.4, 1.0), 0.001)
    assert "| 3 | 67,333 |" in bursts_table([burst(5_000, 2.0), split], nearly_empty(5_000))


def test_the_verdict_is_by_the_dearest_and_the_cheapest_rate() -> None:
    assert verdict({1_000: 21.8, 10_000: 20.5, 50_000: 20.0}) == (
        "At one speed, and beyond what a nearly empty batch costs, a million events take from 20 CPU s (at 50,000/s) "
        "to 21.8 (at 1,000/s), 9% apart: within 10%."
    )
    assert verdict({1_000: 23.0, 50_000: 20.0}).endswith("15% apart: **not** within 10%.")


def test_the_verdict_says_from_which_rate_on_costs_are_constant() -> None:
    _, _, of_the_others = verdict({1_000: 30.0, 5_000: 21.0, 50_000: 20.0}).partition(" From 5,000/s on, ")
    assert of_the_others == "from 20 CPU s (at 50,000/s) to 21 (at 5,000/s), 5% apart: within 10%."
