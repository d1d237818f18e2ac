import pytest

from benchmarks.bytes.prices import GIB, TIB, by_slots, on_demand, peers


def test_a_tebibyte_on_demand_and_a_gibibyte_by_slots() -> None:
    assert on_demand(TIB) == 6.25
    assert by_slots(GIB) == pytest.approx(198 / 3600 * 0.04)


def test_peers_cost_what_was_worked_out_by_hand_at_ten_thousand_a_second() -> None:
    found = {name: price for name, (price, _) in peers(10_000).items()}
    assert found["Dataflow, exactly once"] == pytest.approx(36, abs=3)
    assert found["Confluent's sink and Flink"] == pytest.approx(66, abs=6)
    assert found["Estuary"] == pytest.approx(344, abs=2)
