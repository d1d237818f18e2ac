"""The scenarios of the field, on the stack that all tests share: each proves its own claims, and can fail."""

from dataclasses import replace

import dagster as dg
import pytest

from orchestration.assets.payment_backfill import payment_backfill
from orchestration.resources.bigquery import PaymentsBigQueryResource
from orchestration.scenarios import (
    backfill,
    cdc_deletes,
    duplicates,
    exactly_once,
    hot_partitions,
    out_of_order,
    schema_drift,
)
from orchestration.scenarios.harness.transcript import Transcript
from orchestration.settings import read_stack_settings
from orchestration.verification.proof import judge
from spark_jobs.corrections.promoted_fields import CannotPromote, FieldType, promote
from spark_jobs.crash_points import Point
from tests.world import World

pytestmark = pytest.mark.integration


@pytest.fixture
def transcript() -> Transcript:
    return Transcript(is_silent=True)


def test_events_out_of_order_are_late_only_beyond_the_watermark(world: World, transcript: Transcript) -> None:
    out_of_order.run(world, transcript)
    assert transcript.is_proved, transcript.failure()
    assert sorted(world.dispositions().values()) == ["DUPLICATE"] + ["LATE"] * 3 + ["UNIQUE"] * 5


def test_duplicates_of_every_kind_count_once(patched_or_plain_world: World, transcript: Transcript) -> None:
    duplicates.run(patched_or_plain_world, transcript)
    assert transcript.is_proved, transcript.failure()


def test_a_run_killed_after_its_commit_is_gone_on_with(world: World, transcript: Transcript) -> None:
    exactly_once.kill_and_recover(world, transcript, [Point.COMMIT_ANSWERED])
    assert transcript.is_proved, transcript.failure()


def test_a_schema_that_drifts_breaks_no_checkpoint_and_loses_no_field(world: World, transcript: Transcript) -> None:
    schema_drift.run(world, transcript)
    assert transcript.is_proved, transcript.failure()
    with pytest.raises(CannotPromote, match="no payment carries"):
        promote(world.client, world.settings, "points", FieldType.INT64, promoted_by="operator", reason="a slip")


def test_a_backfill_mends_what_a_parser_had_read_wrongly(world: World, transcript: Transcript) -> None:
    backfill.run(world, transcript)
    assert transcript.is_proved, transcript.failure()
    [row] = world.ask("select cast(max(kafka_timestamp) as date) as day from {payment_deliveries}")
    done = dg.materialize(
        [payment_backfill],
        partition_key=str(row["day"]),
        resources={
            "settings": replace(read_stack_settings({}), job=world.settings),
            "bigquery": PaymentsBigQueryResource.from_job_settings(world.settings),
        },
    )
    [seen] = done.asset_materializations_for_node("payment_data__payment_backfill")
    assert (seen.metadata["changed"].value, seen.metadata["swapped"].value) == (0, 0)


def test_an_erased_account_is_nowhere_and_stays_away_and_the_law_holds(world: World, transcript: Transcript) -> None:
    places = cdc_deletes.publish(world, transcript)
    cdc_deletes.tombstone(world, transcript)
    cdc_deletes.erase(world, transcript)
    cdc_deletes.come_again(world, transcript)
    assert transcript.is_proved, transcript.failure()
    gone = {name for name, place in places.items() if world.dispositions()[place] == "ERASED"}
    assert gone == {"forgotten", "paid", "retried", "received", "mentioned", "late", "broken"}
    before = 0
    # A receipt or an erased id that is taken out by hand shows, and so does an erased delivery that speaks.
    for deed in (
        "delete from {payment_erasures} where disposition = 'LATE'",
        "delete from {payment_erased_ids} where true",
        "update {payment_deliveries} set currency = 'EUR' where disposition = 'ERASED'",
    ):
        world.ask(deed)
        found = len(judge(world.client, world.settings, None).breaks)
        assert found > before, deed
        before = found


def test_a_hot_key_skews_no_bucket_and_holds_no_task_up(world: World, transcript: Transcript) -> None:
    hot_partitions.measure(world, transcript, events=3_000, rounds=1)
    assert transcript.is_proved, transcript.failure()
