"""Events of another shape, by a mapping: published, proved, and judged by the mapping of their batch for ever."""

import json
from dataclasses import replace
from typing import Any

import pytest

from orchestration.verification import proof
from orchestration.verification.audit_reads import days_of, read_day
from orchestration.verification.ledger_audit import judge
from orchestration.verification.warehouse_reads import WarehouseReads
from spark_jobs.contract.payment_event import Disposition
from spark_jobs.corrections.backfill import recomputed
from spark_jobs.corrections.kept_records import Selection
from spark_jobs.corrections.late_payments import decide_late
from spark_jobs.corrections.replay import candidates, forecast
from spark_jobs.erasure.erase import erase
from spark_jobs.mapping.spec import FILE_NAME
from spark_jobs.mapping.trials.samples import FILE_NAME as SAMPLES
from spark_jobs.mapping.trials.samples import Sample, read_samples
from spark_jobs.tables import catalog
from spark_jobs.tables.correction_kinds import Correction
from spark_jobs.tables.row_types import Place
from tests.unit.spark_jobs.events import MAPPING, TEXT, charge
from tests.unit.spark_jobs.mapping.mappings import SHIPPED
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.thorough]

MENDED = (("shop-1", "shop-2"), ('unit = "minor"', 'unit = "cents"'), ("data.amount", "data.cents"))
"""What a user may do later: the events of before have no such field."""


def found_wrong(world: World) -> tuple[list[Any], dict[str, int], list[bool]]:
    """What `payments verify` and `payments audit` say is broken, or could not be judged."""
    verdict = proof.judge(world.client, world.settings, None)
    with WarehouseReads(world.client, world.settings).at_one_moment() as reads:
        days = [judge(read_day(reads, day)).is_good for day in days_of(reads)]
    return verdict.breaks, dict(verdict.not_reread), sorted(set(days))


@pytest.mark.parametrize("name", ["cloudevents", "debezium_postgres"])
def test_a_shipped_mappings_samples_become_on_the_stack_what_they_say(world: World, name: str) -> None:
    folder = next(folder for folder in SHIPPED if folder.name == name)
    world.settings = replace(world.settings, event_mapping=str(folder / FILE_NAME))
    samples = read_samples((folder / SAMPLES).read_text())
    expected = {place(world, sample): sample.expected for sample in samples}
    world.drain()
    deliveries = world.deliveries()
    assert deliveries.keys() == expected.keys()
    for at, outcome in expected.items():
        row = deliveries[at]
        if outcome.row is not None:
            assert row["disposition"] in ("UNIQUE", "DUPLICATE")
            assert row["transaction_id"] == outcome.row["transaction_id"]
        else:
            assert row["disposition"] == ("IGNORED" if outcome.ignored else "QUARANTINED")
            assert row["reasons"] == ([outcome.ignored] if outcome.ignored else list(outcome.reasons))
    paid = {outcome.row["transaction_id"] for outcome in expected.values() if outcome.row is not None}
    assert {row["transaction_id"] for row in world.rows(catalog.TRANSACTIONS)} == paid
    assert found_wrong(world) == PROVED


def place(world: World, sample: Sample) -> Place:
    record = sample.record
    [at] = world.send([record.value], key=record.key or b"sender", headers=record.headers)
    return at


PROVED: tuple[list[Any], dict[str, int], list[bool]] = ([], {}, [True])


def test_mapped_events_are_published_proved_and_judged_by_the_mapping_of_their_batch(world: World) -> None:
    path = world.folder / "payment_event.toml"
    path.write_text(TEXT)
    world.settings = replace(world.settings, event_mapping=str(path))
    hours = [f"2026-11-21T{hour:02}:00:00Z" for hour in (8, 12)]
    places = world.send([charge("first", paid_at=hours[1])])
    world.drain()
    values = [charge("first", paid_at=hours[1]), charge("late", paid_at=hours[0]), charge("a", type_="refund"), b"{"]
    places += world.send([*values, charge("b", type_="test"), charge("second", 7, hours[1])])
    world.drain()
    became = ["UNIQUE", "DUPLICATE", "LATE", "IGNORED", "QUARANTINED", "IGNORED", "UNIQUE"]
    assert [world.dispositions()[place] for place in places] == became
    payments = {row["transaction_id"]: row["amount_minor"] for row in world.rows(catalog.TRANSACTIONS)}
    assert payments == {"first": 1250, "second": 7}
    ledger = sorted(world.rows(catalog.LEDGER), key=lambda row: row["batch_id"])
    assert ledger[0]["ignored_count"] == 0
    assert sum(row["ignored_count"] for row in ledger) == 2
    by_rule = [json.loads(row["ignored_by_rule"]) for row in ledger]
    assert sum(counts.get("not-a-charge", 0) for counts in by_rule) == 2
    [kept] = world.rows(catalog.CONTRACT_VERSIONS)
    assert (kept["mapping_version"], kept["mapping_hash"]) == ("shop-1", MAPPING.hash)
    assert {row["contract_version"] for row in ledger} == {kept["contract_version"]}
    assert found_wrong(world) == PROVED

    for old, new in MENDED:
        path.write_text(path.read_text().replace(old, new))
    assert found_wrong(world) == PROVED, "records are judged by the mapping of their batch"
    [ends] = [{partition: (0, end) for partition, end in world.control().end_offsets.items() if end}]
    with recomputed(world.client, world.settings, ends) as beside:
        assert {difference.outcome for difference in beside.differences()} == {"SAME"}
    [admitted] = decide_late(
        world.client, world.settings, Selection(), Correction.ADMITTED_LATE, decided_by="me", reason="it is money"
    )
    assert (admitted.payment["transaction_id"], admitted.payment["amount_minor"]) == ("late", 1250)
    ignored = candidates(world.client, world.settings, Selection(), Disposition.IGNORED)
    again = forecast(world.client, world.settings, ignored, ledger[-1]["published_at"])
    assert [disposition for disposition, _ in again] == ["IGNORED", "IGNORED"]

    taken = erase(world.client, world.settings, "payer-b", erased_by="officer", reason="asked")
    assert [(receipt.disposition, receipt.records) for receipt in taken] == [("IGNORED", 1)]
    assert found_wrong(world) == PROVED
