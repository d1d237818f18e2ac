"""Dispositions and what the state remembers, held against a dict of ids."""

import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.deduplication import state as dedup_state
from spark_jobs.deduplication.dispositions import watermark_of
from spark_jobs.deduplication.id_keys import KEY
from spark_jobs.deduplication.state import NOTHING_SEEN, DedupState
from tests.corpus.cases import event_bytes
from tests.unit.spark_jobs.dedup_oracle import DELAY, SLOT, Delivery, Memory, Oracle, key, remembered, take
from tests.unit.spark_jobs.stream import KAFKA_US, Record, Stream


@pytest.fixture(autouse=True, scope="module")
def _few_keys_spill() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dedup_state, "SPILL_KEYS", 3)
        patch.setattr(dedup_state, "RETIRED_BATCHES", 2)
        yield


times = st.none() | st.builds(
    lambda half_slot, jitter: 100 * SLOT + half_slot * SLOT // 2 + jitter, st.integers(0, 24), st.integers(-1, 1)
)


@st.composite
def streams(draw: st.DrawFn) -> list[list[Delivery]]:
    """Batches; each record has a place of its own, and no two batches share one."""
    batches = []
    for number in range(draw(st.integers(1, 7))):
        drawn = draw(st.lists(st.tuples(st.integers(0, 39), times, st.integers(0, 2)), max_size=25))
        batch = [Delivery(i, at, part, 100 * number + row) for row, (i, at, part) in enumerate(drawn)]
        batches.append(draw(st.permutations(batch)))
    return batches


@settings(max_examples=150, deadline=None)
@given(streams())
def test_every_record_of_every_batch_is_tagged_as_the_rules_say(batches: list[list[Delivery]]) -> None:
    oracle, state, store = Oracle(), DedupState(), Memory()
    for batch in batches:
        found, state = take(state, batch, store)
        assert found == oracle.take(batch)
        assert remembered(state, store) == oracle.seen.keys()
        assert state.key_count == len(oracle.seen)
        assert state.max_event_time == (NOTHING_SEEN if oracle.newest is None else oracle.newest)


@settings(max_examples=80, deadline=None)
@given(streams())
def test_a_batch_replayed_from_the_same_encoded_state_is_tagged_alike(batches: list[list[Delivery]]) -> None:
    state, store = DedupState(), Memory()
    for batch in batches:
        encoded = state.encode()
        first, after = take(DedupState.decode(encoded), batch, store)
        second, again = take(DedupState.decode(encoded), list(reversed(batch)), store)
        assert second[::-1] == first
        assert remembered(again, store) == remembered(after, store)
        assert (again.batches, again.max_event_time, again.key_count) == (
            after.batches,
            after.max_event_time,
            after.key_count,
        )
        state = again


@settings(max_examples=60, deadline=None)
@given(streams())
def test_a_state_survives_its_encoding(batches: list[list[Delivery]]) -> None:
    state, store = DedupState(), Memory()
    for batch in batches:
        _, state = take(state, batch, store)
        assert DedupState.decode(state.encode()) == state
    contents = [store.read(segment.name).content() for slot in state.slots for segment in slot.segments]
    assert state.size_bytes == len(state.encode()) + sum(map(len, contents))


DAY = 96 * SLOT
LOOKBACK = 2 * DAY
days_of_times = st.none() | st.builds(lambda half_slot: 9_600 * SLOT + half_slot * SLOT // 2, st.integers(0, 6 * 192))


@st.composite
def long_streams(draw: st.DrawFn) -> list[list[Delivery]]:
    """Batches of some days, of few ids."""
    drawn = draw(st.lists(st.lists(st.tuples(st.integers(0, 9), days_of_times), max_size=6), min_size=1, max_size=12))
    return [
        [Delivery(i, at, 0, 100 * number + row) for row, (i, at) in enumerate(batch)]
        for number, batch in enumerate(drawn)
    ]


@settings(max_examples=150, deadline=None)
@given(long_streams(), st.integers(0, 3))
def test_a_payment_of_the_lookback_is_always_asked_for_and_no_day_without_one(
    batches: list[list[Delivery]], without: int
) -> None:
    """Each batch is held against a list of all that was ever UNIQUE; the first few are by code that keeps no days."""
    published: list[tuple[int, int]] = []
    state, store = DedupState(), Memory()
    for number, batch in enumerate(batches):
        watermark = state.max_event_time - DELAY
        before, lookback = state, 0 if number < without else LOOKBACK
        found, state = take(state, batch, store, lookback)
        new = [d for d, tag in zip(batch, found, strict=True) if tag == "UNIQUE"]
        assert before.complete_since is not None
        for record in new:
            asked = before.days_with(np.array([key(record.id)], KEY), store)
            times = {at for i, at in published if i == record.id and at < watermark}
            assert set(asked) <= {at // DAY for at in times}
            must = {at // DAY for at in times if at >= max(watermark - LOOKBACK, before.complete_since)}
            assert must <= set(asked)
        if state.max_event_time != NOTHING_SEEN and without == 0:
            assert state.complete_since is not None
            assert state.complete_since <= max(state.max_event_time - DELAY - LOOKBACK, NOTHING_SEEN)
        published += [(d.id, d.event_time) for d in new if d.event_time is not None]


def test_a_state_of_code_that_kept_no_days_is_complete_from_its_watermark_on() -> None:
    state, store = DedupState(), Memory()
    _, state = take(state, [Delivery(1, 9_600 * SLOT)], store)
    encoded = msgspec.msgpack.encode(msgspec.msgpack.decode(state.encode())[:4])
    older = DedupState.decode(encoded)
    assert (older.slots, older.complete_since) == (state.slots, None)
    _, newer = take(older, [Delivery(2, 9_601 * SLOT)], store, LOOKBACK)
    assert newer.complete_since == 9_600 * SLOT - DELAY


def test_the_days_of_the_lookback_are_kept_in_few_segments_and_then_deleted() -> None:
    state, store = DedupState(), Memory()
    for slot in range(4 * 96):
        ids = range(10 * slot, 10 * slot + 10)
        _, state = take(state, [Delivery(i, (9_600 + slot) * SLOT) for i in ids], store, LOOKBACK)
    assert [day.number for day in state.days] == [101, 102, 103]
    assert sum(len(day.segments) for day in state.days) < 30
    named = {name for slot in (*state.slots, *state.days) for name in slot.names}
    assert named <= store.segments.keys()
    assert len(store.segments) <= len(named) + 12 * (dedup_state.RETIRED_BATCHES + 1)


def test_states_as_old_as_spark_may_go_back_to_can_still_be_read() -> None:
    state, store = DedupState(), Memory()
    states = [state]
    for start in range(0, 300, 5):
        _, state = take(state, [Delivery(i, 100 * SLOT + i) for i in range(start, start + 5)], store)
        states.append(state)
        for age, old in enumerate(reversed(states[-dedup_state.RETIRED_BATCHES - 1 :])):
            assert remembered(old, store, ids=400) == set(range(start + 5 - 5 * age))


def test_many_ids_spill_and_merge_and_are_all_remembered() -> None:
    state, store = DedupState(), Memory()
    for start in range(0, 3_000, 10):
        found, state = take(state, [Delivery(i, 100 * SLOT + i) for i in range(start, start + 10)], store)
        assert set(found) == {"UNIQUE"}
    [slot] = state.slots
    assert store.written > 100
    assert 1 <= len(slot.segments) < 10
    assert remembered(state, store, ids=4_000) == set(range(3_000))
    assert len(store.segments) <= len(slot.segments) + 10 * (dedup_state.RETIRED_BATCHES + 1)


def test_the_watermark_forgets_an_id_within_a_slot_and_never_before_its_time() -> None:
    for at in (100 * SLOT, 100 * SLOT + 1, 101 * SLOT - 1):
        state, store = DedupState(), Memory()
        _, state = take(state, [Delivery(1, at)], store)
        _, at_the_mark = take(state, [Delivery(2, at + DELAY)], store)
        assert 1 in remembered(at_the_mark, store)
        _, a_slot_later = take(state, [Delivery(2, at + DELAY + SLOT)], store)
        assert 1 not in remembered(a_slot_later, store)


def test_before_the_first_payment_nothing_is_late() -> None:
    assert watermark_of(NOTHING_SEEN, DELAY) is None
    found, _ = take(DedupState(), [Delivery(1, 0), Delivery(2, 1_000 * SLOT)], Memory())
    assert found == ["UNIQUE", "UNIQUE"]


def test_a_batch_of_nothing_valid_moves_nothing() -> None:
    found, state = take(DedupState(), [Delivery(1, None), Delivery(1, None)], Memory())
    assert found == ["QUARANTINED", "QUARANTINED"]
    assert (state.max_event_time, state.key_count, state.batches) == (NOTHING_SEEN, 0, 1)


def test_the_earliest_wins_then_the_lower_partition_then_the_lower_offset() -> None:
    ties = [Delivery(1, 9, 1, 1), Delivery(1, 8, 1, 5), Delivery(1, 8, 0, 7), Delivery(1, 8, 0, 6)]
    found, _ = take(DedupState(), ties, Memory())
    assert found == ["DUPLICATE", "DUPLICATE", "DUPLICATE", "UNIQUE"]


def test_a_late_record_beside_a_winner_of_its_id_is_a_duplicate_and_alone_is_late() -> None:
    _, state = take(DedupState(), [Delivery(0, 200 * SLOT)], Memory())
    batch = [Delivery(1, 100 * SLOT), Delivery(1, 200 * SLOT), Delivery(2, 100 * SLOT), Delivery(2, 101 * SLOT)]
    found, after = take(state, batch, Memory())
    assert found == ["DUPLICATE", "UNIQUE", "LATE", "LATE"]
    assert remembered(after, Memory()) == {0, 1}


def test_a_quarantined_record_is_not_remembered() -> None:
    state, store = DedupState(), Memory()
    _, state = take(state, [Delivery(1, None)], store)
    found, _ = take(state, [Delivery(1, 100 * SLOT)], store)
    assert found == ["UNIQUE"]


def test_an_ignored_record_is_neither_judged_nor_remembered_and_moves_no_watermark() -> None:
    store = Memory()
    found, state = take(DedupState(), [Delivery(1, None, is_ignored=True), Delivery(2, None)], store)
    assert found == ["IGNORED", "QUARANTINED"]
    assert (state.max_event_time, state.key_count) == (NOTHING_SEEN, 0)
    found, _ = take(state, [Delivery(1, 100 * SLOT), Delivery(1, None, is_ignored=True)], store)
    assert found == ["UNIQUE", "IGNORED"]


def test_many_late_records_are_looked_up_among_few_and_many_winners() -> None:
    _, state = take(DedupState(), [Delivery(9_999, 200 * SLOT)], Memory())
    for winners in (1, 3, 2_000):
        late = [Delivery(i, 100 * SLOT) for i in range(2_500)]
        found, _ = take(state, [*late, *(Delivery(i, 200 * SLOT) for i in range(winners))], Memory())
        assert found == ["DUPLICATE"] * winners + ["LATE"] * (2_500 - winners) + ["UNIQUE"] * winners


def simulated(seed: int) -> list[list[Delivery]]:
    """Batches of payments with retries, late ones and broken ones, in many partitions."""
    chance = random.Random(seed)  # noqa: S311 - a stream that can be drawn again
    batches = []
    for number in range(5):
        batch = []
        for row in range(120):
            lateness = chance.choice([0, 0, 0, 1, 6]) * SLOT
            at = KAFKA_US - 20 * SLOT + number * 3 * SLOT + chance.randrange(3) * SLOT - lateness
            event_time = None if chance.random() < 0.1 else at
            batch.append(Delivery(chance.randrange(250), event_time, chance.randrange(3), 1_000 * number + row))
        batches.append(batch)
    return batches


def records(batch: list[Delivery]) -> list[Record]:
    return [
        Record(
            event_bytes(
                {
                    "transaction_id": f'"t-{d.id}"',
                    "event_time": f'"{np.datetime64(KAFKA_US if d.event_time is None else d.event_time, "us")}Z"',
                    "amount": '"1.00"' if d.event_time is not None else '"?"',
                }
            ),
            d.partition,
            d.offset,
        )
        for d in batch
    ]


@pytest.mark.parametrize(("buckets", "chunk"), [(1, 1_000), (2, 40), (5, 50)])
def test_neither_buckets_nor_chunks_change_a_disposition(buckets: int, chunk: int, tmp_path: Path) -> None:
    oracle, stream = Oracle(), Stream(tmp_path, buckets)
    found = set()
    for batch in simulated(seed=4):
        staged = stream.take(records(batch), chunk)
        rows = zip(*(staged[n].to_pylist() for n in ("kafka_partition", "kafka_offset", "disposition")), strict=True)
        expected = {(d.partition, d.offset, tag) for d, tag in zip(batch, oracle.take(batch), strict=True)}
        assert staged.num_rows == len(batch)
        assert set(rows) == expected
        assert {state.max_event_time for state in stream.states.values()} == {oracle.newest}
        assert sum(state.key_count for state in stream.states.values()) == len(oracle.seen)
        found |= {tag for _, _, tag in expected}
    assert found == {"UNIQUE", "DUPLICATE", "LATE", "QUARANTINED"}
