"""Which turn a setting names, and the settings that cannot be."""

from pathlib import Path

import pytest

from spark_jobs.settings import SettingError, read_job_settings
from spark_jobs.turns.by_setting import turn_of


def test_by_default_a_lock_below_the_home_is_held(tmp_path: Path) -> None:
    settings = read_job_settings({"PAYMENTS_HOME": str(tmp_path)})
    with turn_of(settings, tmp_path)(lambda: pytest.fail("nobody else is at it")):
        assert (tmp_path / "run" / "payments.turn").exists()


def test_a_lease_touches_no_file(tmp_path: Path) -> None:
    settings = read_job_settings({"PAYMENTS_HOME": str(tmp_path), "PAYMENTS_TURN": "lease"})
    assert (settings.turn, settings.turn_lease_seconds) == ("lease", 6)
    turn_of(settings, tmp_path)
    assert not list(tmp_path.iterdir())


def test_both_settings_are_handed_on_to_other_processes(tmp_path: Path) -> None:
    given = {"PAYMENTS_HOME": str(tmp_path), "PAYMENTS_TURN": "lease", "PAYMENTS_TURN_LEASE_SECONDS": "9"}
    assert given.items() <= {**given, **read_job_settings(given).environment()}.items()
    assert read_job_settings(given).environment()["PAYMENTS_TURN_LEASE_SECONDS"] == "9"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"PAYMENTS_TURN": "luck"}, "PAYMENTS_TURN must be one of lock, lease, not 'luck'"),
        ({"PAYMENTS_TURN": "lease", "SINKS": "delta"}, "PAYMENTS_TURN is lease, which is kept in the warehouse"),
        ({"PAYMENTS_TURN_LEASE_SECONDS": "2"}, "PAYMENTS_TURN_LEASE_SECONDS must be from 3 to 600"),
        ({"PAYMENTS_TURN_LEASE_SECONDS": "601"}, "PAYMENTS_TURN_LEASE_SECONDS must be from 3 to 600"),
        ({"PAYMENTS_TURN_LEASE_SECONDS": "6.5"}, "PAYMENTS_TURN_LEASE_SECONDS must be a whole number"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(given: dict[str, str], message: str) -> None:
    with pytest.raises(SettingError, match=message) as refused:
        read_job_settings(given)
    assert "\n" not in str(refused.value)
