from decimal import Decimal

from orchestration.dashboard.drawing import HEIGHT, WIDTH, in_words, path, points_of, short
from orchestration.dashboard.model import HISTORY_SECONDS
from tests.unit.orchestration.dashboard.sample import NOW, snapshot

UNTIL = 1_000_000


def test_the_line_begins_a_day_ago_and_ends_now() -> None:
    drawn = path([(UNTIL - HISTORY_SECONDS, 1.0), (UNTIL - HISTORY_SECONDS + 1800, 2.0)], UNTIL)
    assert drawn.startswith(f"M0.0 {HEIGHT / 2:.1f}")
    assert drawn.endswith("L5.0 2.0")
    assert path([(UNTIL, 5.0)], UNTIL) == f"M{WIDTH:.1f} 2.0h0.01"


def test_what_is_not_known_is_not_joined_and_what_is_older_not_drawn() -> None:
    drawn = path([(UNTIL - HISTORY_SECONDS - 1, 9.0), (UNTIL - 9000, 1.0), (UNTIL - 5000, 1.0)], UNTIL)
    assert drawn.count("M") == 2
    assert "L" not in drawn
    assert path([], UNTIL) == ""


def test_nothing_but_zeros_is_a_line_at_the_bottom() -> None:
    assert path([(UNTIL, 0.0)], UNTIL).startswith(f"M{WIDTH:.1f} {HEIGHT - 2:.1f}")


def test_the_line_is_told_in_words() -> None:
    assert in_words([(UNTIL, 2.0), (UNTIL - 1, 1234.5)], UNTIL) == "Last 24 hours: from 2 to 1,234."
    assert in_words([], UNTIL) == "Nothing is known of the last 24 hours."


def test_the_ledger_tells_a_days_values_and_else_what_the_watch_has_kept() -> None:
    known = snapshot()
    assert [value for _, value in points_of("duplicate_rate_pct", known)][-1] == 3.0
    assert [value for _, value in points_of("state_size_mb", known)][-1] == 9.0
    assert [value for _, value in points_of("checkpoint_lag_seconds", known)] == [12.0] * 8
    kept = [{"metric": metric, "bin": NOW, "least": 98.0, "most": 100.0} for metric in ("reconciliation_pct", "other")]
    at = int(NOW.timestamp())
    assert points_of("reconciliation_pct", snapshot(history=kept)) == [(at, 98.0)], "the worst is the least"
    assert points_of("other", snapshot(history=kept)) == [(at, 100.0)], "the worst is the most"


def test_numbers_are_short() -> None:
    assert [short(v) for v in (0.0, 1.5, 12.999, 1234567.8)] == ["0", "1.5", "13", "1,234,568"]


def test_a_match_below_100_is_never_written_as_100() -> None:
    values = (99.99, 99.995, 99.9999, 99.9999999, Decimal("99.999999"), 100.0, Decimal(100))
    assert [short(v) for v in values] == ["99.99"] * 5 + ["100"] * 2
    assert in_words([(UNTIL, 100.0), (UNTIL - 1, 99.9999)], UNTIL) == "Last 24 hours: from 99.99 to 100."
