"""Fraud and metrics stand on deduplicated payments: dbt's graph leaves no other way."""

import re
from functools import cache

import pytest

from tests.architecture.sources import ROOT

PROJECT = ROOT / "dbt_project"
MODELS = {path.stem: path for path in sorted((PROJECT / "models").rglob("*.sql"))}
DELIVERIES, PAYMENTS = "source:payment_deliveries", "source:payment_transactions"
TABLES_BESIDE = {
    "source:batch_ledger",
    "source:payment_corrections",
    "source:payment_erased_ids",
    "source:payment_erasures",
    "source:pipeline_control",
    "source:retention_marks",
}
"""How far the pipeline is, which payments decisions put in or took out, days and ids of erasures, and since when
payments are kept: no deliveries."""

ABOUT_DELIVERIES = {"late_payments"}
"""The marts of these folders whose very subject is what did not become a payment."""

ON_PAYMENTS = [
    model
    for model, path in MODELS.items()
    if path.parent.name in ("fraud", "metrics") and model not in ABOUT_DELIVERIES
]
REFERENCE = re.compile(r"""\b(ref|source)\(\s*['"](\w+)['"](?:\s*,\s*['"](\w+)['"])?\s*\)""")
MACRO_CALL = re.compile(r"\b(\w+)\(")


@cache
def macros() -> dict[str, str]:
    """The project's macros by name: what a macro refers to, whoever calls it refers to."""
    files = sorted((PROJECT / "macros").glob("*.sql"))
    return {path.stem: path.read_text() for path in files}


def parents(sql: str) -> set[str]:
    """What a model's text refers to: names of models, seeds, and `source:` tables."""
    called = [macros()[name] for name in MACRO_CALL.findall(sql) if name in macros()]
    return {
        f"source:{second}" if kind == "source" else first
        for text in (sql, *called)
        for kind, first, second in REFERENCE.findall(text)
    }


def sources_of(model: str) -> set[str]:
    """Every source table that a model can reach."""
    reached: set[str] = set()
    waiting, seen = [model], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name.startswith("source:"):
            reached.add(name)
        elif name in MODELS:
            waiting += parents(MODELS[name].read_text())
    return reached


@pytest.mark.parametrize("model", ON_PAYMENTS)
def test_fraud_and_metrics_reach_nothing_but_deduplicated_payments(model: str) -> None:
    assert sources_of(model) - TABLES_BESIDE == {PAYMENTS}


def test_every_mart_of_fraud_and_metrics_is_held_to_that_or_named_as_an_exception() -> None:
    assert {"payment_transactions_fraud", "payment_fraud_scores", "payment_metrics"} <= set(ON_PAYMENTS)
    assert all(DELIVERIES in sources_of(model) for model in ABOUT_DELIVERIES)


def test_a_way_around_deduplication_would_be_seen() -> None:
    assert parents("select * from {{ source('payment_raw', 'payment_deliveries') }}") == {DELIVERIES}
    assert parents("from {{ ref('a') }} join {{ ref( \"b\" ) }}") == {"a", "b"}
    assert parents("where event_time >= {{ minute_of(build_scope().since) }}") == {
        "stg_payments__pipelines",
        "stg_payments__batches",
        "stg_payments__corrections",
        "stg_payments__erasures",
        "stg_payments__retention_marks",
    }
