"""A day that is over: sealed, held against its seal whatever is decided since, and proved payment by payment."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest

from orchestration.compliance.reporting import keep, kept, make
from orchestration.scenarios.harness.sandbox import event_at
from orchestration.verification.proof import judge
from spark_jobs.corrections.kept_records import Selection
from spark_jobs.corrections.late_payments import decide_late
from spark_jobs.erasure.erase import erase
from spark_jobs.sealing.proofs import prove
from spark_jobs.sealing.recheck import Rechecked, recheck
from spark_jobs.sealing.seal_days import seal_days
from spark_jobs.sealing.verify_proof import NotProved, verdict
from spark_jobs.tables import catalog
from spark_jobs.tables.correction_kinds import Correction
from spark_jobs.tables.names import table_id
from tests.world import World, event

pytestmark = [pytest.mark.integration, pytest.mark.thorough]

PAYMENTS = 80
"""More than one bucket holds."""


def looked_at(world: World) -> list[Rechecked]:
    broken, days = recheck(world.client, world.settings, lambda seals: seals)
    assert broken == []
    return days


def test_a_sealed_day_stays_as_it_was_sealed_and_each_payment_is_proved(world: World) -> None:
    now = datetime.now(UTC)
    noon = datetime.combine(now.date() - timedelta(days=3), time(12), UTC)
    day = noon.date()
    values = [event_at(f"payment-{number}", noon + timedelta(seconds=number)) for number in range(PAYMENTS)]
    world.send([*values, values[0], event_at("leaves", noon, sender_account_id="leaver", amount="0.70")])
    world.drain()
    world.send([event("newest")])
    world.drain()
    world.send([event_at("late", noon)])
    world.drain()

    [seal] = seal_days(world.client, world.settings, "ann", now)
    assert (seal.day, seal.payment_count, seal.tree_depth) == (day, PAYMENTS + 1, 1)
    assert seal.amounts == f'{{"EUR":{PAYMENTS * 1230 + 70}}}'
    [digest] = [row["digest"] for row in world.rows(catalog.DAY_SEALS)]
    assert digest == seal.digest == seal.true_digest()
    for name in ("payment-7", "leaves"):
        message = verdict(prove(world.client, world.settings, name, day))
        assert message.startswith(f"{name} is counted once on {day}, with ")
    assert verdict(prove(world.client, world.settings, "late", day)) == f"late is not counted on {day}"

    decide_late(
        world.client, world.settings, Selection(), Correction.ADMITTED_LATE, decided_by="ann", reason="it is money"
    )
    assert [(found.problems, found.corrected) for found in looked_at(world)] == [((), 1)]
    assert verdict(prove(world.client, world.settings, "late", day)).endswith("is not counted on " + str(day))

    table = f"`{table_id(world.settings, catalog.TRANSACTIONS)}`"
    change = f"update {table} set amount_minor = amount_minor + @more where transaction_id = 'payment-7'"
    world.ask(change, more=1)
    [altered] = looked_at(world)
    assert not altered.is_good
    with pytest.raises(NotProved, match="payments seal --check"):
        prove(world.client, world.settings, "payment-7", day)
    for is_full in (True, False):
        found = {broken.rule for broken in judge(world.client, world.settings, None, is_full=is_full).breaks}
        assert "a sealed day is as it was sealed" in found
    world.ask(change, more=-1)

    later = list(seal_days(world.client, world.settings, "ann", now + timedelta(hours=1)))
    assert [found.payment_count for found in later] == [0] * len(later), "days without a payment are sealed too"
    assert all(found.is_good for found in looked_at(world))
    assert list(seal_days(world.client, world.settings, "ann", now + timedelta(hours=1))) == []

    erase(world.client, world.settings, "leaver", erased_by="officer", reason="asked")
    first, *_ = looked_at(world)
    assert (first.problems, first.erased) == ((), 1)
    with pytest.raises(NotProved, match="erased since"):
        prove(world.client, world.settings, "payment-7", day)
    world.ask(f"delete from {table} where transaction_id = 'payment-8'")
    first, *_ = looked_at(world)
    assert not first.is_good
    assert sum(Decimal(row["payment_count"]) for row in world.rows(catalog.DAY_SEALS)) == PAYMENTS + 1

    report = make(world.client, world.settings, day, "ann", now)
    assert report.sections["verdict"] is None, "dbt has built nothing here"
    assert [row["payment_count"] for row in report.sections["seal"] or ()] == [str(PAYMENTS + 1)]
    today = make(world.client, world.settings, now.date(), "ann", now)
    assert {row["disposition"] for row in today.sections["money"] or ()} == {"UNIQUE", "DUPLICATE", "LATE"}
    assert [row["kind"] for row in today.sections["corrected"] or ()] == ["ADMITTED_LATE"]
    assert [row["payments"] for row in today.sections["erased"] or ()] == ["1"]
    keep(world.client, world.settings, today)
    keep(world.client, world.settings, today, "Bea", "as I saw it")
    reported, signatures = kept(world.client, world.settings, now.date())
    assert reported == today
    assert [(row["signed_by"], row["note"]) for row in signatures] == [("Bea", "as I saw it")]
    reports = f"`{table_id(world.settings, catalog.DAY_REPORTS)}`"
    world.ask(f"update {reports} set report = replace(report, 'ann', 'eve') where signed_by is not null")
    with pytest.raises(ValueError, match="somebody changed it"):
        kept(world.client, world.settings, now.date())
