"""A contract's version is computed: whatever is mended, it changes."""

from dataclasses import replace
from typing import Any

import pytest

from spark_jobs.contract.code_lists import CodeLists
from spark_jobs.contract.payment_event import FIELDS, UnreadableLabels
from spark_jobs.parsing import contract_hash
from spark_jobs.parsing.contract_hash import Contract, contract_of_now

NOW = contract_of_now()


def test_the_same_code_has_the_same_version() -> None:
    assert contract_of_now().version == NOW.version


@pytest.mark.parametrize(
    "mended",
    [
        pytest.param({**NOW.lists.minor_units, "XQQ": 2}, id="a currency is added"),
        pytest.param({**NOW.lists.minor_units, "EUR": 3}, id="a currency has other decimals"),
        pytest.param({c: n for c, n in NOW.lists.minor_units.items() if c != "EUR"}, id="a currency is gone"),
    ],
)
def test_a_mended_list_is_another_version_of_the_same_rules(mended: dict[str, int]) -> None:
    other = Contract(NOW.rules, CodeLists(mended, NOW.lists.values))
    assert other.version != NOW.version


def test_the_setting_for_labels_is_another_version_of_the_same_rules() -> None:
    held = contract_of_now(UnreadableLabels.HOLD)
    assert (held.rules, held.version == NOW.version) == (NOW.rules, False)


def test_another_period_is_another_version_of_the_same_rules() -> None:
    periods = {**NOW.lists.periods, "BGN": ("", "2026-03-01")}
    assert Contract(NOW.rules, replace(NOW.lists, periods=periods)).version != NOW.version


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FIELDS", (replace(FIELDS[0], pattern="[a-z]+"), *FIELDS[1:])),
        ("FIELDS", (*FIELDS[:-1], replace(FIELDS[-1], required=True))),
        ("MAX_VALUE_BYTES", 1),
        ("MAX_NESTING", 1),
        ("FINE_QUERY", "select 1"),
        ("OTHER_QUERY", "select 1"),
    ],
)
def test_other_rules_are_another_contract(monkeypatch: pytest.MonkeyPatch, name: str, value: Any) -> None:
    monkeypatch.setattr(contract_hash, name, value)
    other = contract_of_now()
    assert other.rules != NOW.rules
    assert other.version != NOW.version
