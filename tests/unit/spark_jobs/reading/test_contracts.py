"""A contract's version is computed: whatever is mended, it changes."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from spark_jobs.contract.code_lists import CodeLists
from spark_jobs.contract.payment_event import FIELDS
from spark_jobs.mapping.spec import Mapping
from spark_jobs.reading import contracts
from spark_jobs.reading.contracts import (
    HASH_DIGITS,
    Contract,
    contract_in,
    contract_in_use,
    contract_of_now,
    judged_again_by,
    row_of,
)
from spark_jobs.settings import SettingError
from spark_jobs.tables.operation_tables import CONTRACT_VERSIONS
from tests.unit.spark_jobs.batches import SETTINGS
from tests.unit.spark_jobs.events import MAPPING, OTHER, TEXT

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
    monkeypatch.setattr(contracts, name, value)
    other = contract_of_now()
    assert other.rules != NOW.rules
    assert other.version != NOW.version


def test_without_a_mapping_the_version_is_that_of_rules_and_lists() -> None:
    texts = f"{NOW.rules}\n{NOW.lists.to_json()}"
    assert NOW.version == sha256(texts.encode()).hexdigest()[:HASH_DIGITS]


def test_another_mapping_is_another_version_of_the_same_rules() -> None:
    versions = {contract_of_now(mapping=mapping).version for mapping in (None, MAPPING, OTHER)}
    assert len(versions) == 3
    assert {contract_of_now(mapping=mapping).rules for mapping in (None, MAPPING, OTHER)} == {NOW.rules}


@pytest.mark.parametrize("mapping", [None, MAPPING], ids=["none", "a mapping"])
def test_a_contract_is_kept_as_a_row_and_comes_back_the_same(mapping: Mapping | None) -> None:
    contract = contract_of_now(mapping=mapping)
    row = row_of(contract)
    again = contract_in(row)
    assert (again.version, again.mapping, again.rules) == (row["contract_version"], mapping, NOW.rules)
    assert row["mapping_hash"] == (mapping and mapping.hash)
    assert set(row) | {"first_used_at"} == {column.name for column in CONTRACT_VERSIONS.columns}


def test_a_record_is_judged_again_by_the_mapping_of_its_batch_whatever_the_mapping_of_now_is() -> None:
    now = contract_of_now(mapping=OTHER)
    kept = contract_of_now(mapping=MAPPING)
    assert judged_again_by(kept, now) == kept
    other_rules = judged_again_by(replace(kept, rules="older"), now)
    assert (other_rules.rules, other_rules.mapping) == (NOW.rules, MAPPING)
    assert judged_again_by(None, now).mapping is None, "before versions were recorded there was no mapping"


def test_the_contract_in_use_has_the_mapping_of_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "payment_event.toml"
    path.write_text(TEXT)
    assert contract_in_use(SETTINGS) == NOW
    assert contract_in_use(replace(SETTINGS, event_mapping=str(path))).mapping == MAPPING


@pytest.mark.parametrize("text", ["mapping = 7", None], ids=["no mapping", "no file"])
def test_a_mapping_that_cannot_be_used_is_one_line(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "payment_event.toml"
    if text:
        path.write_text(text)
    with pytest.raises(SettingError, match=r"^PAYMENTS_EVENT_MAPPING: .*payment_event\.toml[^\n]*$"):
        contract_in_use(replace(SETTINGS, event_mapping=str(path)))


def test_a_mapping_of_a_format_with_a_registry_is_no_use_without_one_and_says_so_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "payment_event.toml"
    path.write_text(TEXT.replace('version = "', 'format = "avro"\nversion = "', 1))
    settings = replace(SETTINGS, event_mapping=str(path))
    monkeypatch.delenv("SCHEMA_REGISTRY_URL", raising=False)
    with pytest.raises(SettingError, match=r"^SCHEMA_REGISTRY_URL is not set[^\n]*$"):
        contract_in_use(settings)
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", "https://registry.example.com")
    mapping = contract_in_use(settings).mapping
    assert mapping
    assert mapping.format.needs_a_registry
