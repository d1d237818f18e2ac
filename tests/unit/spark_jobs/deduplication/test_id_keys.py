"""Keys, whole and packed, and looking them up: held against Python's own sets."""

import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.deduplication.id_keys import (
    KEY,
    KEY_BYTES,
    Keys,
    PackedKeys,
    Probe,
    among,
    in_order,
    keys_of,
    packed_bytes,
)

ENDS = [0, 1, 2**16 - 1, 2**48 - 1, 2**48, 2**48 + 1, 2**63, 2**64 - 2**48, 2**64 - 1]
HIGHS = st.sampled_from(ENDS) | st.integers(0, 2**64 - 1)
LOWS = st.sampled_from([0, 1, 2**16 - 1]) | st.integers(0, 2**16 - 1)
PAIRS = st.sets(st.tuples(HIGHS, LOWS), max_size=60)
"""Many share their prefix, and some all that is sorted by first."""


def keys(pairs: set[tuple[int, int]]) -> Keys:
    return np.array(sorted(pairs, key=hash), KEY)


def test_a_key_is_the_first_ten_bytes_of_a_hash() -> None:
    hashes = bytes(range(16)) + bytes(range(100, 116))
    assert keys_of(hashes).tobytes() == bytes(range(10)) + bytes(range(100, 110))
    assert len(keys_of(b"")) == 0


@given(PAIRS, PAIRS)
def test_parts_are_put_in_order_by_all_of_a_key(left: set[tuple[int, int]], right: set[tuple[int, int]]) -> None:
    ordered = in_order(in_order(keys(left)), keys(right - left))
    assert [tuple(key) for key in ordered.tolist()] == sorted(left | right)


@given(PAIRS, st.booleans())
def test_packed_keys_are_those_that_were_packed_wherever_they_lie(pairs: set[tuple[int, int]], filters: bool) -> None:
    ordered = in_order(keys(pairs))
    packed = PackedKeys.of(ordered, is_filtered=filters)
    content = packed.content()
    assert len(content) == packed_bytes(len(pairs)) + 8 * len(packed.filter)
    mapped = PackedKeys.mapped(np.frombuffer(content, np.uint8))
    assert mapped.keys().tobytes() == ordered.tobytes()
    assert mapped.filter.tobytes() == packed.filter.tobytes()
    assert bool(len(packed.filter)) == filters


@given(PAIRS, PAIRS, st.booleans())
def test_those_among_others_are_found_and_no_others(
    pairs: set[tuple[int, int]], others: set[tuple[int, int]], filters: bool
) -> None:
    wanted, kept = keys(pairs | others), in_order(keys(others))
    expected = [tuple(key) in others for key in wanted.tolist()]
    assert PackedKeys.of(kept, is_filtered=filters).has(wanted).tolist() == expected
    assert among(wanted, kept).tolist() == expected


def test_a_filter_lets_next_to_none_pass_that_are_not_there_and_takes_less_than_a_byte_a_key() -> None:
    rng = np.random.default_rng(1)
    known, strangers = (in_order(keys_of(rng.bytes(16 * 200_000))) for _ in range(2))
    packed = PackedKeys.of(known, is_filtered=True)
    assert packed.may_have(Probe.of(known)).all()
    assert packed.filter.nbytes < len(known)
    assert np.mean(packed.may_have(Probe.of(strangers))) < 1 / 20


def test_of_many_hashes_every_one_is_found_and_its_neighbours_are_not() -> None:
    hashes = b"".join(hashlib.md5(b"%d" % number, usedforsecurity=False).digest() for number in range(40_000))
    known = in_order(keys_of(hashes))
    above, below = known.copy(), known.copy()
    above["low"] += np.uint16(1)
    below["low"] -= np.uint16(1)
    packed = PackedKeys.of(known)
    assert packed.has(known).all()
    for strangers in (above, below):
        assert not packed.has(strangers).any()
        assert not among(strangers, known).any()


def test_a_packed_key_takes_eight_bytes_and_its_share_of_the_prefixes() -> None:
    assert KEY_BYTES == 10
    assert packed_bytes(1_500_000) / 1_500_000 < 8.2
