import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from orchestration.dashboard.model import from_json, plain_rows, safe, to_json
from tests.unit.orchestration.dashboard.sample import snapshot


def test_money_is_text_and_a_time_is_utc_to_the_second() -> None:
    [row] = plain_rows(
        [{"a": Decimal("0.10"), "at": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), "n": 2**60, "x": None}]
    )
    assert row == {"a": "0.10", "at": "2026-01-02T03:04:05Z", "n": 2**60, "x": None}


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "192.168.17.254", "2001:db8::1", "::1", "fe80:0:0:0:1:2:3:4", "2001:db8:a:b:c:d:e:f"]
)
def test_an_address_in_an_error_does_not_reach_the_page(address: str) -> None:
    assert safe(f"no answer from {address}, port 9092") == "no answer from [address], port 9092"


@pytest.mark.parametrize("text", ["at 12:06:10 UTC", "payment-events/0/17", "version 1.2.3", "partition 0: 12 to 15"])
def test_what_is_no_address_stays(text: str) -> None:
    assert safe(text) == text


def test_a_snapshot_survives_its_file() -> None:
    known = snapshot()
    assert from_json(json.loads(json.dumps(to_json(known)))) == known
