"""Times as they are written elsewhere."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.contract.payment_event import EVENT_TIME_PATTERN, Reason
from spark_jobs.mapping.event_times import EPOCHS, ISO_8601, LOCAL, epoch_reader, pattern_of, written_reader
from spark_jobs.mapping.readers import CannotRead


def epoch(value: Any, form: str) -> str | None:
    return epoch_reader(lambda _: value, EPOCHS[form])(None)  # type: ignore[arg-type]


def written(text: str | None, form: str, zone: str | None = None, ambiguous: str = "refuse") -> str | None:
    return written_reader(lambda _: text, form, zone, ambiguous)(None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "form", "time"),
    [
        (1795838221, "epoch_s", "2026-11-28T03:57:01Z"),
        ("1795838221", "epoch_s", "2026-11-28T03:57:01Z"),
        (Decimal("1795838221.123"), "epoch_s", "2026-11-28T03:57:01.123Z"),
        ("1795838221.123456789", "epoch_s", "2026-11-28T03:57:01.123456789Z"),
        (Decimal("1.795838221E+9"), "epoch_s", "2026-11-28T03:57:01Z"),
        (1795838221123, "epoch_ms", "2026-11-28T03:57:01.123Z"),
        (Decimal("1795838221123.5"), "epoch_ms", "2026-11-28T03:57:01.1235Z"),
        (1795838221123456, "epoch_us", "2026-11-28T03:57:01.123456Z"),
        (1795838221123456789, "epoch_ns", "2026-11-28T03:57:01.123456789Z"),
        (0, "epoch_s", "1970-01-01T00:00:00Z"),
        (None, "epoch_s", None),
    ],
)
def test_time_since_1970_is_read_in_its_unit(value: Any, form: str, time: str | None) -> None:
    assert epoch(value, form) == time


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (-1, Reason.INVALID_EVENT_TIME),
        (10**12, Reason.INVALID_EVENT_TIME),
        (10**400, Reason.INVALID_EVENT_TIME),
        ("yesterday", Reason.INVALID_EVENT_TIME),
        ("", Reason.INVALID_EVENT_TIME),
        (Decimal("1e999"), Reason.INVALID_EVENT_TIME),
        (Decimal("NaN"), Reason.INVALID_EVENT_TIME),
        (Decimal("1.0000000001"), Reason.INVALID_EVENT_TIME),
        (True, Reason.WRONG_TYPE),
        (1.5, Reason.WRONG_TYPE),
        ([], Reason.WRONG_TYPE),
    ],
)
def test_what_is_no_such_time_is_a_reason(value: Any, reason: Reason) -> None:
    with pytest.raises(CannotRead) as raised:
        epoch(value, "epoch_s")
    assert raised.value.reason is reason


@given(st.integers(0, 253_402_300_799), st.sampled_from(sorted(EPOCHS)), st.integers(0, 10**9 - 1))
def test_every_epoch_is_the_same_moment_and_in_the_contracts_form(seconds: int, form: str, nanoseconds: int) -> None:
    rest = nanoseconds // 10 ** (9 - EPOCHS[form])
    time = epoch(seconds * 10 ** EPOCHS[form] + rest, form)
    assert time is not None
    assert re.fullmatch(EVENT_TIME_PATTERN, time)
    whole, _, fraction = time.rstrip("Z").partition(".")
    assert datetime.fromisoformat(whole).replace(tzinfo=UTC) == datetime.fromtimestamp(seconds, UTC)
    assert int(fraction.ljust(9, "0")) // 10 ** (9 - EPOCHS[form]) == rest


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-28T03:57:01Z", "2026-11-28T03:57:01Z"),
        ("2026-11-28T03:57Z", "2026-11-28T03:57:00Z"),
        ("2026-11-28 03:57:01+00", "2026-11-28T03:57:01+00:00"),
        ("2026-11-28T03:57:01,123Z", "2026-11-28T03:57:01.123Z"),
        ("2026-11-28T03:57:01+0530", "2026-11-28T03:57:01+05:30"),
        ("2026-11-28T03:57:01+00:00[Europe/London]", "2026-11-28T03:57:01+00:00"),
        ("2026-11-28 03:57:01 UTC", "2026-11-28T03:57:01Z"),
        (None, None),
    ],
)
def test_iso_8601_as_programs_write_it_is_read(text: str | None, time: str | None) -> None:
    assert written(text, ISO_8601) == time


def test_a_local_time_is_read_in_its_zone() -> None:
    assert written("2026-07-01T12:00:00.5", LOCAL, "Europe/Berlin") == "2026-07-01T10:00:00.5Z"
    assert written("2026-12-01 12:00", LOCAL, "Europe/Berlin") == "2026-12-01T11:00:00Z"
    assert written("2026-07-01T12:00:00", ISO_8601, "America/New_York") == "2026-07-01T16:00:00Z"
    assert written("2026-07-01T12:00:00Z", ISO_8601, "America/New_York") == "2026-07-01T12:00:00Z"


def test_an_hour_that_the_clocks_show_twice_or_never_is_not_guessed() -> None:
    twice, never = "2026-10-25T02:30:00", "2026-03-29T02:30:00"
    assert written(twice, LOCAL, "Europe/Berlin", "earlier") == "2026-10-25T00:30:00Z"
    assert written(twice, LOCAL, "Europe/Berlin", "later") == "2026-10-25T01:30:00Z"
    for text, ambiguous in ((twice, "refuse"), (never, "refuse"), (never, "earlier"), (never, "later")):
        with pytest.raises(CannotRead):
            written(text, LOCAL, "Europe/Berlin", ambiguous)


def test_a_pattern_reads_what_nothing_else_does() -> None:
    assert written("20261128035701", "%Y%m%d%H%M%S", "UTC") == "2026-11-28T03:57:01Z"
    assert written("28.11.2026 04:57 +0100", "%d.%m.%Y %H:%M %z") == "2026-11-28T04:57:00+01:00"
    assert written("28/11/2026 100% 03:57:01.25", "%d/%m/%Y 100%% %H:%M:%S.%f", "UTC") == "2026-11-28T03:57:01.25Z"


@pytest.mark.parametrize(
    ("text", "form", "zone"),
    [
        ("2026-11-28T03:57:01", ISO_8601, None),
        ("2026-11-28", ISO_8601, "UTC"),
        ("2026-11-28T03:57:01[America/New_York]", ISO_8601, "Europe/Berlin"),
        ("2026-11-28T03:57:01 ", ISO_8601, "Europe/Berlin"),
        ("2026-11-28T03:57:01Z", LOCAL, "UTC"),
        ("2026-02-30T03:57:01", LOCAL, "UTC"),
        ("2026-11-28T24:00:00", LOCAL, "UTC"),
        ("0001-01-01T00:00:00", LOCAL, "Asia/Tokyo"),
        ("2026111035701", "%Y%m%d%H%M%S", "UTC"),
        ("", LOCAL, "UTC"),
    ],
)
def test_a_text_that_is_no_such_time_is_a_reason(text: str, form: str, zone: str | None) -> None:
    with pytest.raises(CannotRead) as raised:
        written(text, form, zone)
    assert raised.value.reason is Reason.INVALID_EVENT_TIME


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y%m%d%H%M%Q", "%Y%Y%m%d%H%M", "%Y%m%d%H%M%", "%c"])
def test_a_pattern_that_names_no_moment_is_refused(form: str) -> None:
    with pytest.raises(ValueError, match=r"needs %Y|knows no"):
        pattern_of(form)
