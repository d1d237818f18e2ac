"""A lost checkpoint: the state rebuilt from the warehouse tags as the lost one would have."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from google.cloud.bigquery import Client, QueryJobConfig

from spark_jobs.contract.payment_event import WATERMARK_MICROSECONDS
from spark_jobs.deduplication.buckets import labels_of
from spark_jobs.deduplication.state import NOTHING_SEEN, SLOT_MICROSECONDS, DedupState
from spark_jobs.sinks.bigquery.published_ids import seed_state
from spark_jobs.streaming import state_seeds
from spark_jobs.streaming.locations import Locations
from tests.corpus.cases import event_bytes
from tests.unit.spark_jobs.batches import CONTROL, NOON, NOON_US, SETTINGS
from tests.unit.spark_jobs.stream import Record, Stream

Rows = list[tuple[str, int]]
BUCKETS = labels_of(SETTINGS.state_buckets)
WATERMARK_US = NOON_US - WATERMARK_MICROSECONDS


@dataclass
class Published:
    """The warehouse's answer: rows of a slot and the hashes of its ids."""

    rows: list[dict[str, Any]]
    since: Any = None
    configuration = QueryJobConfig()

    def query(self, _sql: str, job_config: Any, **_bounds: Any) -> "Published":
        """Ask."""
        [self.since] = [parameter.value for parameter in job_config.query_parameters if parameter.name == "since"]
        return self

    def result(self, page_size: int, **_bounds: Any) -> list[dict[str, Any]]:
        """Wait."""
        assert page_size > 0
        return self.rows


def warehouse(*batches: Rows) -> Published:
    return Published([row for batch in batches for row in answer(batch)])


def answer(payments: Rows) -> Iterator[dict[str, Any]]:
    """As the warehouse aggregates them."""
    by_slot: dict[int, list[str]] = {}
    for transaction_id, at in payments:
        id_hash = hashlib.md5(transaction_id.encode(), usedforsecurity=False).hexdigest()
        by_slot.setdefault(at // SLOT_MICROSECONDS, []).append(id_hash)
    yield from ({"slot": slot, "hashes": "".join(hashes)} for slot, hashes in by_slot.items())


def rebuilt(client: Published, folder: Path) -> tuple[int, Stream]:
    stream = Stream(folder, SETTINGS.state_buckets)
    count = seed_state(cast("Client", client), SETTINGS, CONTROL, stream.locations)
    stream.states = {label: state_seeds.read_seed(stream.locations.seed(label)) for label in BUCKETS}
    return count, stream


def sent_again(*ids: str) -> list[Record]:
    return [Record(event_bytes({"transaction_id": f'"{i}"'}), offset=n) for n, i in enumerate(ids)]


def test_a_published_payment_is_still_a_duplicate_and_a_new_one_still_unique(tmp_path: Path) -> None:
    client = warehouse([(f"t-{n}", NOON_US - n) for n in range(50)], [(f"t-{n}", WATERMARK_US) for n in range(50, 70)])
    count, stream = rebuilt(client, tmp_path)
    assert count == 70
    staged = stream.take(sent_again(*(f"t-{n}" for n in range(80)))).sort_by("kafka_offset")
    assert staged["disposition"].to_pylist() == ["DUPLICATE"] * 70 + ["UNIQUE"] * 10


def test_the_rebuilt_state_stands_at_the_published_watermark(tmp_path: Path) -> None:
    _, stream = rebuilt(warehouse([("t-1", NOON_US)]), tmp_path)
    assert {state.max_event_time for state in stream.states.values()} == {NOON_US}
    stream.take(sent_again("t-2"))
    assert {receipt.watermark for receipt in stream.tallies} == {WATERMARK_US}


@pytest.mark.parametrize("delay", [30 * 60_000_000, 120 * 60_000_000])
def test_the_watermark_stays_where_it_is_when_it_is_to_trail_by_another_time(tmp_path: Path, delay: int) -> None:
    settings = replace(SETTINGS, watermark_minutes=delay // 60_000_000)
    stream = Stream(tmp_path, SETTINGS.state_buckets)
    seed_state(cast("Client", warehouse([("t-1", NOON_US)])), settings, CONTROL, stream.locations)
    stream.states = {label: state_seeds.read_seed(stream.locations.seed(label)) for label in BUCKETS}
    stream.delay = delay
    stream.take(sent_again("t-2"))
    assert {receipt.watermark for receipt in stream.tallies} == {WATERMARK_US}


def test_the_rebuilt_state_remembers_exactly_what_the_lost_one_did(tmp_path: Path) -> None:
    times = [WATERMARK_US + step * SLOT_MICROSECONDS // 3 for step in range(-9, 9)]
    client = warehouse([(f"t-{n}", at) for n, at in enumerate(times)])
    _, stream = rebuilt(client, tmp_path)
    kept = [at for at in times if (at // SLOT_MICROSECONDS + 1) * SLOT_MICROSECONDS > WATERMARK_US]
    assert sum(state.key_count for state in stream.states.values()) == len(kept)
    assert client.since == NOON - timedelta(hours=1) - timedelta(microseconds=SLOT_MICROSECONDS)


def test_a_window_without_payments_seeds_nothing_but_the_watermark(tmp_path: Path) -> None:
    count, stream = rebuilt(warehouse(), tmp_path)
    assert count == 0
    assert {state.max_event_time for state in stream.states.values()} == {NOON_US}


def test_a_pipeline_without_a_watermark_has_nothing_to_seed(tmp_path: Path) -> None:
    locations = Locations(tmp_path.as_uri(), tmp_path.as_uri())
    control = replace(CONTROL, watermark=None)
    assert seed_state(cast("Client", warehouse()), SETTINGS, control, locations) == 0
    assert state_seeds.read_seed(locations.seed(0)) == DedupState()
    assert DedupState().max_event_time == NOTHING_SEEN


def batches_of(count: int) -> Iterator[Rows]:
    for page in range(count):
        yield [(f"t-{page}-{n}", NOON_US) for n in range(200)]


def test_many_rows_lose_no_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spark_jobs.deduplication.state.SPILL_KEYS", 40)
    _, stream = rebuilt(warehouse(*batches_of(45)), tmp_path)
    staged = stream.take(sent_again(*(f"t-{page}-0" for page in range(45))))
    assert set(staged["disposition"].to_pylist()) == {"DUPLICATE"}
