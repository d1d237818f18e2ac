"""Which path may be which field."""

from decimal import Decimal
from typing import Any

import pytest

from spark_jobs.mapping.trials.guesses import guess
from spark_jobs.mapping.trials.profile import profile


def guessed(field: str, *documents: dict[str, Any]) -> dict[str, str] | None:
    found = guess(field, profile(documents), len(documents))
    return dict(found.settings) if found else None


@pytest.mark.parametrize(
    ("field", "document", "settings"),
    [
        ("amount", {"amount": "12.30"}, {"from": '"amount"', "unit": '"major"'}),
        ("amount", {"amount": Decimal("12.30")}, {"from": '"amount"', "unit": '"major"'}),
        ("amount", {"amount_micros": 1230}, {"from": '"amount_micros"', "unit": '"micros"'}),
        ("amount", {"amount_in_cents": 1230}, {"from": '"amount_in_cents"', "unit": '"cents"'}),
        ("amount", {"amountInCents": 1230}, {"from": '"amountInCents"', "unit": '"cents"'}),
        ("amount", {"amountMicros": 1230}, {"from": '"amountMicros"', "unit": '"micros"'}),
        ("amount", {"recent_amount": 1230}, {"from": '"recent_amount"', "unit": '"?"'}),
        ("amount", {"percent_total": 12}, {"from": '"percent_total"', "unit": '"?"'}),
        ("amount", {"microdeposit_amount": 12}, {"from": '"microdeposit_amount"', "unit": '"?"'}),
        ("amount", {"total\\n amount": "1.5"}, {"from": "\"['total\\\\n amount']\"", "unit": '"major"'}),
        ("amount", {"fee_amount": 5, "InstdAmt": {"#text": "9.5"}}, {"from": '"InstdAmt.#text"', "unit": '"major"'}),
        ("amount", {"amount": True, "note": "5"}, None),
        ("currency", {"currency": "eur"}, {"from": '"upper(currency)"'}),
        ("currency", {"currency": "EUR", "code": "ABC"}, {"from": '"currency"'}),
        ("currency", {"currency": "euro"}, None),
        ("event_time", {"paid_at": "2026-11-28T03:57:01Z"}, {"from": '"paid_at"', "format": '"rfc3339"'}),
        ("event_time", {"paid_at": "2026-11-28 03:57:01+00"}, {"from": '"paid_at"', "format": '"iso8601"'}),
        ("event_time", {"paid_at": "2026-11-28 03:57:01"}, {"from": '"paid_at"', "format": '"local"', "zone": '"?"'}),
        ("event_time", {"created": 1795838221}, {"from": '"created"', "format": '"epoch_s"'}),
        ("event_time", {"ts_ms": 1795838221000}, {"from": '"ts_ms"', "format": '"epoch_ms"'}),
        ("event_time", {"created": 5}, None),
        ("transaction_id", {"id": "p_1", "order": "o"}, {"from": '"id"'}),
        ("transaction_id", {"id": "p/1"}, {"from": '"escape(id)"'}),
        ("transaction_id", {"id": "p/" * 40}, {"from": '"hash(id)"'}),
        ("sender_account_id", {"payer": {"id": "c_1"}}, {"from": '"payer.id"'}),
        ("receiver_account_id", {"merchantAccount": "Shop"}, {"from": '"merchantAccount"'}),
        ("ip_address", {"ip": "192.0.2.1"}, {"from": '"ip"'}),
        ("ip_address", {"ip": "no"}, None),
        ("merchant_category", {"mcc": "5411"}, {"from": '"mcc"'}),
        ("payment_method", {"method": "visa"}, {"from": '"method"'}),
        ("payment_method", {"what": "visa"}, None),
    ],
)
def test_names_and_values_speak_for_a_field(field: str, document: dict[str, Any], settings: Any) -> None:
    assert guessed(field, document) == settings


def test_whole_numbers_never_decide_a_unit() -> None:
    assert guessed("amount", {"amount": 1999}, {"amount": 500}) == {"from": '"amount"', "unit": '"?"'}


def test_what_lies_beside_the_amount_goes_before_what_lies_elsewhere() -> None:
    documents = [
        {"id": f"evt_{n}", "created": 1795838221, "data": {"id": f"ch_{n}", "created": 1795838220, "amount": 5}}
        for n in range(3)
    ]
    paths = profile(documents)
    amount = guess("amount", paths, 3)
    assert amount is not None
    found = guess("transaction_id", paths, 3, amount.seen)
    assert found is not None
    assert found.seen.path == "data.id"
