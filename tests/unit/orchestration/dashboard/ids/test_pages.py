"""The page of ids as its reader gets it."""

from datetime import UTC, datetime
from decimal import Decimal

from orchestration.dashboard.ids.pages import as_html, as_json
from orchestration.dashboard.ids.samples import CONFLICTS, QUARANTINED, Sample
from tests.unit.orchestration.dashboard.test_rendering import Tags

NOW = datetime(2026, 1, 5, 12, 7, tzinfo=UTC)
SAMPLES = {
    QUARANTINED: Sample(
        (
            {
                "kafka_timestamp": NOW,
                "place": "payment-events/0/17",
                "reasons": "AMOUNT_MISSING",
                "transaction_id": "tx-1",
            }
            | {"record": b'{"sender_account_id": "acc-9", "note": "<b>\xff"}'},
        )
    ),
    CONFLICTS: Sample(
        (
            {"transaction_id": "tx-2", "sender_account_id": "acc-1", "receiver_account_id": "acc-2"}
            | {"published_offset": "payment-events/1/8", "payloads": 2, "exposure_eur": Decimal("12.50")}
            | {"last_payload_at": NOW},
        )
    ),
}


def test_it_names_ids_accounts_and_the_record_and_who_looks_at_them() -> None:
    html = as_html(SAMPLES, "anna@example.com", NOW)
    for word in ("tx-1", "acc-9", "tx-2", "acc-1", "acc-2", "for anna@example.com", "is on record"):
        assert word in html
    assert Tags(html).open == []


def test_what_a_record_says_is_text_and_never_markup_or_script() -> None:
    html = as_html(SAMPLES, "<i>", NOW)
    assert "<b>" not in html
    assert "<i>" not in html
    assert "\\xff" in html
    assert Tags(html).of("script") == []


def test_as_a_file_it_carries_its_style_and_a_policy() -> None:
    html = as_html(SAMPLES, "anna", NOW, inline=True)
    assert Tags(html).of("link") == [{"rel": "icon", "href": "data:,"}]
    assert "default-src &#39;none&#39;" in html
    assert "Back to the dashboard" not in html


def test_what_cannot_be_read_is_said_and_nothing_found_is_too() -> None:
    html = as_html({QUARANTINED: Sample(trouble="the warehouse is away"), CONFLICTS: Sample()}, "anna", NOW)
    assert "the warehouse is away" in html
    assert "No payment was delivered with two payloads, or all are decided." in html
    assert "No record was quarantined." not in html


def test_programs_get_the_same_as_text() -> None:
    found = as_json(SAMPLES)
    assert found[CONFLICTS]["rows"][0]["exposure_eur"] == "12.50"
    assert found[QUARANTINED]["rows"][0]["kafka_timestamp"] == "2026-01-05 12:07"
