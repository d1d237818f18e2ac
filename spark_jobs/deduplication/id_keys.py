"""The forms in which a hash of an id is kept: whole, and many of them packed; and looking some up among others. Pure.

Belongs here: the bits. Does not belong here: which ids are remembered (state), files (segment_files).

A key is 80 bits of a hash. Sorted, many of them share their first 16 bits, their prefix, with their neighbours: packed,
only where each prefix starts is noted, and 8 bytes of each key, its rest. Keys that are hardly ever found have a filter
in front, of less than a byte a key: a Bloom filter in which a key's bits are all in one word.
"""

from collections.abc import Buffer
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

KEY = np.dtype([("high", "<u8"), ("low", "<u2")])
KEY_BYTES = KEY.itemsize
HASH_BYTES = 16
PREFIXES = 1 << 16
KEYS_FORMAT = 1
"""Of what lies in a file; told where files outlive the checkpoint that wrote them."""
_LOW_BITS = np.uint64(16)
_REST_OF_HIGH = np.uint64(48)
_REST_BYTES = 8
_COUNT_BYTES = 4
"""Between starts and rests, how many words the filter has: words are searched where they lie, at multiples of 8."""
_STARTS_BYTES = 4 * (PREFIXES + 1) + _COUNT_BYTES
KEYS_A_WORD = 8.2
"""With fewer than 8 a key would take more than 9 bytes with its filter."""
_BITS_A_KEY = 4
_BIT_OF_WORD = np.uint64(6)
_HALF = np.uint64(32)

Keys = npt.NDArray[np.void]


def keys_of(hashes: Buffer) -> Keys:
    """Keys from concatenated 16-byte hashes: the first 10 bytes of each."""
    words = np.frombuffer(hashes, "<u2").reshape(-1, HASH_BYTES // 2)
    return np.ascontiguousarray(words[:, : KEY_BYTES // 2]).view(KEY).ravel()


def in_order(*parts: Keys) -> Keys:
    """The keys of all parts, sorted; quickest where each part is."""
    keys = np.concatenate(parts)
    keys = keys[np.argsort(keys["high"], kind="stable")]
    highs = keys["high"]
    # Different keys share it once in a very long while.
    return keys[np.lexsort((keys["low"], highs))] if (highs[1:] == highs[:-1]).any() else keys


class PackedKeys(NamedTuple):
    """Sorted keys: where those of each prefix start, and the last ones end; the rests of all; the words of a filter."""

    starts: npt.NDArray[np.uint32]
    rests: npt.NDArray[np.uint64]
    filter: npt.NDArray[np.uint64]

    @classmethod
    def of(cls, keys: Keys, *, is_filtered: bool = False) -> "PackedKeys":
        """Pack sorted keys."""
        prefixes, rests = _split(keys)
        starts = np.zeros(PREFIXES + 1, np.uint32)
        starts[1:] = np.cumsum(np.bincount(prefixes, minlength=PREFIXES))
        return cls(starts, rests, _filter_of(keys) if is_filtered else np.empty(0, np.uint64))

    @classmethod
    def mapped(cls, content: npt.NDArray[np.uint8]) -> "PackedKeys":
        """The keys in the bytes of `content`, where they lie. Raises ValueError where some are missing."""
        numbers, words = content[:_STARTS_BYTES].view("<u4"), content[_STARTS_BYTES:].view("<u8")
        starts, count = numbers[:-1], len(words) - int(numbers[-1])
        if count != int(starts[-1]) or (starts[1:] < starts[:-1]).any():
            raise ValueError(f"{starts[-1]} keys were written, {count} are there")
        return cls(starts, words[:count], words[count:])

    def has(self, wanted: Keys, probe: "Probe | None" = None) -> npt.NDArray[np.bool_]:
        """For each key, whether it is one of these; quickest where `wanted` is sorted: its neighbours lie near, too.

        `probe` is that of `wanted`, for whoever asks many.
        """
        if not len(self.filter):
            return self._has(wanted)
        found = self.may_have(probe or Probe.of(wanted))
        found[found] = self._has(wanted[found])
        return found

    def may_have(self, probe: "Probe") -> npt.NDArray[np.bool_]:
        """For each key, whether it passes the filter: these all do, and about one in 27 others."""
        passes: npt.NDArray[np.bool_] = self.filter[probe.places(len(self.filter))] & probe.masks == probe.masks
        return passes

    def _has(self, wanted: Keys) -> npt.NDArray[np.bool_]:
        prefixes, rests = _split(wanted)
        first, end = (self.starts[at].astype(np.intp) for at in (prefixes, prefixes + 1))
        return _found(rests, self.rests, first, end)

    def content(self) -> bytes:
        """The keys as bytes. Whoever changes them changes checkpoints.FORMAT and KEYS_FORMAT too."""
        count = len(self.filter).to_bytes(_COUNT_BYTES, "little")
        return b"".join((self.starts.tobytes(), count, self.rests.tobytes(), self.filter.tobytes()))

    def keys(self) -> Keys:
        """The keys, whole and sorted."""
        prefixes = np.repeat(np.arange(PREFIXES, dtype=np.uint64), np.diff(self.starts))
        keys = np.empty(len(self.rests), KEY)
        keys["high"] = (prefixes << _REST_OF_HIGH) | (self.rests >> _LOW_BITS)
        keys["low"] = self.rests & np.uint64(PREFIXES - 1)
        return keys


class Probe(NamedTuple):
    """What a filter needs to know of keys: what chooses the word of each, and its bits there."""

    tops: npt.NDArray[np.uint64]
    masks: npt.NDArray[np.uint64]

    @classmethod
    def of(cls, keys: Keys) -> "Probe":
        """Of keys in any order."""
        highs = np.ascontiguousarray(keys["high"])
        masks = np.zeros(len(highs), np.uint64)
        for number in range(_BITS_A_KEY):
            masks |= np.uint64(1) << ((highs >> np.uint64(number) * _BIT_OF_WORD) & np.uint64(63))
        return cls(highs >> _HALF, masks)

    def places(self, count: int) -> npt.NDArray[np.intp]:
        """The word of each key, among `count` ones that are in the keys' order."""
        return ((self.tops * np.uint64(count)) >> _HALF).astype(np.intp)


def packed_bytes(count: int) -> int:
    """How many bytes so many keys take, packed."""
    return _STARTS_BYTES + _REST_BYTES * count


def among(wanted: Keys, few: Keys) -> npt.NDArray[np.bool_]:
    """For each of `wanted`, whether it is one of `few`, which are sorted."""
    highs, wanted_highs = np.ascontiguousarray(few["high"]), np.ascontiguousarray(wanted["high"])
    first, end = np.searchsorted(highs, wanted_highs), np.searchsorted(highs, wanted_highs, "right")
    return _found(wanted["low"], few["low"], first, end)


def _filter_of(keys: Keys) -> npt.NDArray[np.uint64]:
    """The filter of sorted keys."""
    words = np.zeros(int(len(keys) / KEYS_A_WORD) or 1, np.uint64)
    probe = Probe.of(keys)
    places = probe.places(len(words))
    first = np.flatnonzero(np.diff(places, prepend=-1))
    if len(first):
        words[places[first]] = np.bitwise_or.reduceat(probe.masks, first)
    return words


def _split(keys: Keys) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.uint64]]:
    """Prefixes and rests; those of sorted keys are sorted by prefix and then by rest."""
    highs = keys["high"]
    return (highs >> _REST_OF_HIGH).astype(np.intp), (highs << _LOW_BITS) | keys["low"]


def _found(
    wanted: npt.NDArray[np.unsignedinteger],
    words: npt.NDArray[np.unsignedinteger],
    first: npt.NDArray[np.intp],
    end: npt.NDArray[np.intp],
) -> npt.NDArray[np.bool_]:
    """For each of `wanted`, whether it is within its span of `words`, which is sorted: a search in all at once."""
    at, longest = first, int((end - first).max(initial=0))
    for power in reversed(range(longest.bit_length())):
        beyond = at + (1 << power)
        is_less = beyond <= end
        is_less &= words[np.where(is_less, beyond, 1) - 1] < wanted
        at = np.where(is_less, beyond, at)
    found = at < end
    found[found] = words[at[found]] == wanted[found]
    return found
