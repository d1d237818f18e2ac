"""Corrections on a real broker, Spark and warehouse: what is decided later is counted once, and the law stays true."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from orchestration.verification.ledger_rules import Break
from orchestration.verification.proof import judge
from spark_jobs.contract.payment_event import Disposition
from spark_jobs.corrections import conflicts, kept_records, late_payments, replay, resend
from spark_jobs.incidents import Incident
from spark_jobs.publishing.look_back import Searched, searched_in
from spark_jobs.sinks.bigquery import publisher
from spark_jobs.streaming.tally import BatchTally
from spark_jobs.tables import catalog
from spark_jobs.tables.correction_kinds import Correction
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.client import run
from tests.world import World, event

pytestmark = pytest.mark.integration

WHO = {"decided_by": "operator", "reason": "asked by finance"}


def breaks(world: World) -> list[Break]:
    return judge(world.client, world.settings, None).breaks


def payments(world: World) -> dict[str, int]:
    """Minor units by id; an id that is there twice fails the test that asks."""
    rows = world.rows(catalog.TRANSACTIONS, "transaction_id, amount_minor")
    found = {row["transaction_id"]: row["amount_minor"] for row in rows}
    assert len(found) == len(rows)
    return found


def kinds(world: World) -> Counter[str]:
    return Counter(row["kind"] for row in world.rows(catalog.CORRECTIONS, "kind"))


def test_every_correction_counts_once_and_leaves_a_row(world: World) -> None:
    world.send([event("old", 200), event("twice", 190, amount="5.00"), b"junk"])
    world.drain()
    # Each batch moves the watermark: two hours on, the state has forgotten what came first.
    world.send([event("mover", 60)])
    world.drain()
    world.send([event("newest")])
    world.drain()
    world.send(
        [event("old"), event("twice", amount="7.00"), event("late", 150), event("late", 150), event("refused", 180)]
    )
    [report] = world.drain()
    assert (report.unique, report.duplicate, report.late) == (0, 2, 3)
    assert kinds(world) == {Correction.RETRACTED_DUPLICATE: 2}
    assert payments(world)["twice"] == 500
    assert breaks(world) == []

    client, settings = world.client, world.settings
    one = kept_records.Selection(limit=1)
    [admitted] = late_payments.decide_late(client, settings, one, Correction.ADMITTED_LATE, **WHO)
    assert admitted.payment["transaction_id"] == "late"
    [refused] = late_payments.decide_late(client, settings, kept_records.Selection(), Correction.REJECTED_LATE, **WHO)
    assert refused.payment["transaction_id"] == "refused"
    assert not late_payments.decide_late(client, settings, kept_records.Selection(), Correction.ADMITTED_LATE, **WHO)
    assert payments(world).keys() == {"old", "twice", "mover", "newest", "late"}

    [conflict] = conflicts.conflicts(client, settings)
    assert (conflict.transaction_id, conflict.exposure(), conflict.is_decided) == ("twice", {"EUR": 200}, False)
    other = "/".join(str(conflict.deliveries[-1][name]) for name in ("topic", "kafka_partition", "kafka_offset"))
    conflicts.resolve(client, settings, "twice", other, **WHO)
    assert payments(world)["twice"] == 700
    assert conflicts.resolve(client, settings, "twice", other, **WHO) == ()
    assert breaks(world) == []
    conflicts.resolve(client, settings, "twice", "first", **WHO)
    assert payments(world)["twice"] == 500
    assert breaks(world) == []

    # An admitted payment that is sent once more, as new: the stream never knew its id.
    world.send([event("late")])
    [report] = world.drain()
    assert (report.unique, report.duplicate) == (0, 1)
    assert breaks(world) == []
    assert (
        run(client, f"delete from `{table_id(settings, catalog.CORRECTIONS)}` where kind = 'REJECTED_LATE'", {}) == []
    )
    assert {found.rule for found in breaks(world)} == {"corrections, replays and erasures are numbered without a gap"}


def test_an_id_that_the_look_back_no_longer_knew_is_found_and_one_payment_is_kept(world: World) -> None:
    world = replace(world, settings=replace(world.settings, lookback_days=1))
    client, settings = world.client, world.settings
    for name, minutes_ago in (("old", 3 * 1440), ("mover", 60), ("newest", 0)):
        world.send([event(name, minutes_ago)])
        world.drain()
    world.send([event("old")])
    [report] = world.drain()
    assert report.unique == 1, "it is counted twice: the promise ends with the look-back"
    assert {found.rule for found in breaks(world)} == {"a payment is stored once"}

    [conflict] = conflicts.conflicts(client, settings)
    assert (conflict.transaction_id, conflict.exposure(), conflict.is_decided) == ("old", {"EUR": 1230}, False)
    made = conflicts.resolve(client, settings, "old", "first", **WHO)
    assert [decision.kind for decision in made] == [Correction.CONFLICT_REPLACED, Correction.CONFLICT_KEPT]
    assert payments(world).keys() == {"old", "mover", "newest"}
    assert conflicts.conflicts(client, settings) == []
    assert breaks(world) == []


def test_a_checkpoint_that_is_made_anew_takes_the_lookbacks_files_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[Searched | None] = []

    def given(tally: BatchTally, watermark: datetime | None, lookback_days: int) -> Searched | None:
        searched.append(searched_in(tally, watermark, lookback_days))
        return searched[-1]

    monkeypatch.setattr(publisher, "searched_in", given)
    for name, minutes_ago in (("old", 200), ("mover", 60), ("newest", 0)):
        world.send([event(name, minutes_ago)])
        world.drain()
    [generation] = (world.folder / "checkpoints" / world.settings.pipeline).iterdir()
    shutil.rmtree(generation)
    world.send([event("fresh")])
    [report] = world.drain()
    assert report.unique == 1
    assert searched == [None] * 4, "the state knows all that was published"
    world.send([event("old")])
    [report] = world.drain()
    assert (report.unique, report.duplicate) == (0, 1)
    assert isinstance(searched[-1], Searched)
    assert kinds(world) == {Correction.RETRACTED_DUPLICATE: 1}

    # Without the files the days are searched, and nothing else is different.
    world.lose_checkpoint()
    world.send([event("old"), event("newer")])
    [report] = world.drain()
    assert (report.unique, report.duplicate) == (1, 1)
    assert isinstance(searched[-1], Searched)
    assert breaks(world) == []


def test_a_quarantined_record_is_replayed_once_and_found_again_where_the_answer_was_lost(world: World) -> None:
    # Too far in the future when it came, and valid by now; the other one stays what it is.
    ahead = json.loads(event("ahead", -5.5))
    (first, second) = world.send([json.dumps(ahead).encode(), b"junk"])
    world.drain()
    client, settings = world.client, replace(world.settings)
    rows = replay.candidates(client, settings, kept_records.Selection())
    assert [(row["kafka_partition"], row["kafka_offset"]) for row in rows] == [first, second]
    soon = datetime.fromtimestamp(datetime.now(UTC).timestamp() + 60, UTC)
    judged = replay.forecast(client, settings, rows, soon)
    assert [disposition for disposition, _ in judged] == [Disposition.UNIQUE, Disposition.QUARANTINED]

    ends = {0: 2, 1: 0}
    replay.request(client, settings, rows[:1], ends, requested_by="operator", reason="clock mended")
    with pytest.raises(Incident, match="nothing was sent"):
        replay.request(client, settings, rows, ends, requested_by="operator", reason="again")
    resend.send(settings, rows[:1])
    # The process dies here: nobody has written down what the broker said.
    [waiting] = replay.open_requests(client, settings)
    found = resend.read_back(settings, [waiting])
    assert found == {first: 2}
    replay.answer(client, settings, found)
    assert replay.open_requests(client, settings) == []
    assert [row["kafka_offset"] for row in replay.candidates(client, settings, kept_records.Selection())] == [second[1]]
    world.drain()
    deliveries = world.deliveries()
    assert deliveries[0, 2]["value_sha256"] == deliveries[first]["value_sha256"]
    assert breaks(world) == []
