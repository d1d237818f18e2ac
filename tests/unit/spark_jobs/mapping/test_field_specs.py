"""One field's description: what makes it wrong."""

from typing import Any

import pytest

from spark_jobs.contract.payment_event import FIELDS
from spark_jobs.mapping.field_specs import AmountSpec, TextSpec, TimeSpec, read_field
from spark_jobs.mapping.mapping_error import Findings

BY_NAME = {field.name: field for field in FIELDS}


def findings(name: str, value: Any) -> list[str]:
    found = Findings()
    read_field(BY_NAME[name], value, found)
    return [str(finding) for finding in found.found]


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("transaction_id", "id", TextSpec),
        ("transaction_id", 'id + "-" + status', TextSpec),
        ("transaction_id", "escape(id, status)", TextSpec),
        ("receiver_account_id", {"constant": "shop"}, TextSpec),
        ("payment_method", {"from": "m", "map": {"visa": "card"}}, TextSpec),
        ("payment_method", {"from": "m", "map": {"visa": "card"}, "otherwise": "absent"}, TextSpec),
        ("amount", {"from": "a", "unit": "minor", "decimals": {"ISK": 2}, "sign": "absolute"}, AmountSpec),
        ("amount", {"from": "a", "unit": "major", "encoding": "connect_decimal", "scale": 2}, AmountSpec),
        ("event_time", "at", TimeSpec),
        ("event_time", {"from": "at", "format": "epoch_ms"}, TimeSpec),
        ("event_time", {"from": "at", "format": "local", "zone": "Europe/Berlin", "ambiguous": "later"}, TimeSpec),
        ("event_time", {"from": "at", "format": "%Y%m%d%H%M%S%z"}, TimeSpec),
    ],
)
def test_a_field_is_read(name: str, value: Any, kind: type) -> None:
    found = Findings()
    assert isinstance(read_field(BY_NAME[name], value, found), kind)
    assert not found.found


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("currency", {"from": "c", "constant": "EUR"}, "needs either from (a path) or constant"),
        ("currency", {"constant": "EURO"}, "gives 'EURO', but currency must be one of the contract's codes"),
        ("currency", "'eur'", "gives 'eur', but currency"),
        ("currency", {"constant": 5}, "must be a text in quotes, not a whole number"),
        ("currency", {"constant": "EUR", "map": {}}, "fields.currency.map: means nothing beside a constant"),
        ("receiver_account_id", {"constant": "my shop"}, "which receiver_account_id cannot be: it must match"),
        ("transaction_id", 'id + ":" + status', "puts ':' into an id"),
        ("transaction_id", "id + status", "joins values with nothing between"),
        ("transaction_id", "upper(id + ':' + status)", "puts ':' into an id"),
        (
            "payment_method",
            {"from": "m", "map": {"visa": "Card"}},
            "gives 'Card', but payment_method must be",
        ),
        ("payment_method", {"from": "m", "map": {"visa": 1}}, "payment_method.map.visa: must be a text"),
        ("payment_method", {"from": "m", "map": {}}, "must be a table such as"),
        ("payment_method", {"from": "m", "map": {"a": "card"}, "otherwise": "drop"}, "one of refuse, keep, absent"),
        ("payment_method", {"from": "m", "otherwise": "keep"}, "means nothing without a map"),
        ("currency", {"from": "c", "map": {"a": "EUR"}, "otherwise": "absent"}, "every payment needs currency"),
        ("amount", "a", "must say its unit"),
        ("amount", {"from": "a"}, "fields.amount.unit: must be one of major, cents, micros, minor"),
        ("amount", {"from": "a", "unit": "pence"}, "not 'pence'"),
        ("amount", {"from": "a", "unit": "major", "decimals": {"ISK": 2}}, "means nothing without unit = 'minor'"),
        ("amount", {"from": "a", "unit": "minor", "decimals": {"isk": 2}}, "is no currency"),
        ("amount", {"from": "a", "unit": "minor", "decimals": {"ISK": "2"}}, "must be a whole number from 0 to 9"),
        ("amount", {"from": "a", "unit": "minor", "decimals": {"EUR": 2}}, "is 2 by ISO 4217"),
        ("amount", {"from": "a", "unit": "minor", "decimals": 2}, "must be a table such as { ISK = 2 }"),
        ("amount", {"from": "a", "unit": "minor", "scale": 2}, "belongs to encoding = 'connect_decimal'"),
        ("amount", {"from": "a", "unit": "major", "encoding": "connect_decimal"}, "how many decimals"),
        ("amount", {"unit": "minor"}, "must be a path such as 'data.id'"),
        ("event_time", {"from": "at", "format": "epoch"}, "must be one of rfc3339, iso8601, local, epoch_s"),
        ("event_time", {"from": "at", "format": "local"}, "where is the time local?"),
        ("event_time", {"from": "at", "format": "local", "zone": "Berlin"}, "'Berlin' is no time zone"),
        ("event_time", {"from": "at", "format": "local", "zone": "../../etc/passwd"}, "is no time zone"),
        ("event_time", {"from": "at", "format": "epoch_s", "zone": "UTC"}, "means nothing for epoch_s"),
        ("event_time", {"from": "at", "zone": "UTC"}, "means nothing for rfc3339"),
        ("event_time", {"from": "at", "format": "%Y%m%d%H%M"}, "the pattern has no %z"),
        ("event_time", {"from": "at", "format": "%Y-%m-%d", "zone": "UTC"}, "a day alone is no time"),
        ("event_time", {"from": "at", "ambiguous": "later"}, "means nothing without a zone"),
        ("event_time", {"form": "at"}, "did you mean format?"),
        ("event_time", {}, "event_time.from: must be a path"),
        ("amount", {}, "amount.from: must be a path"),
        ("amount", 5, "amount: must be a table"),
        ("event_time", 5, "event_time: must be a table"),
        ("country", {}, "needs either from"),
    ],
)
def test_what_is_wrong_with_a_field_is_named(name: str, value: Any, says: str) -> None:
    assert any(says in finding for finding in findings(name, value)), findings(name, value)
