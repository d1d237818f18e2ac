"""Settings of a simulation: what cannot be simulated is refused by name."""

import pytest

from simulator.config import SimulationConfig
from spark_jobs.settings import SettingError


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("events", 0),
        ("span_minutes", 51),
        ("late_rate", 0.21),
        ("retry_rate", -0.1),
        ("fraud_rate", float("nan")),
        ("accounts", 99),
        ("rate", 0.0),
        ("duration_seconds", 5.0),
    ],
)
def test_a_setting_out_of_its_range_is_one_line_that_names_it(setting: str, value: float) -> None:
    option = "--duration" if setting == "duration_seconds" else f"--{setting.replace('_', '-')}"
    with pytest.raises(SettingError, match=f"^{option} [^\n]+$"):
        SimulationConfig(**{setting: value})  # type: ignore[arg-type]
