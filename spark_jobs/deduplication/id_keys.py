"""The forms in which a hash of an id is kept: whole, and many of them packed; and looking some up among others. Pure.

Belongs here: the bits. Does not belong here: which ids are remembered (state), files (segment_files).

A key is 80 bits of a hash. Sorted, many of them share their first 16 bits, their prefix, with their neighbours: packed,
only where each prefix starts is noted, and 8 bytes of each key, its rest.
"""

from collections.abc import Buffer
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

KEY = np.dtype([("high", "<u8"), ("low", "<u2")])
KEY_BYTES = KEY.itemsize
HASH_BYTES = 16
PREFIXES = 1 << 16
_LOW_BITS = np.uint64(16)
_REST_OF_HIGH = np.uint64(48)
_REST_BYTES = 8
_PADDING = 4
"""Between starts and rests: words are searched where they lie, if they lie at a multiple of their size."""
_STARTS_BYTES = 4 * (PREFIXES + 1) + _PADDING

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
    """Sorted keys: where those of each prefix start, and where the last ones end; and the rests of all."""

    starts: npt.NDArray[np.uint32]
    rests: npt.NDArray[np.uint64]

    @classmethod
    def of(cls, keys: Keys) -> "PackedKeys":
        """Pack sorted keys."""
        prefixes, rests = _split(keys)
        starts = np.zeros(PREFIXES + 1, np.uint32)
        starts[1:] = np.cumsum(np.bincount(prefixes, minlength=PREFIXES))
        return cls(starts, rests)

    @classmethod
    def mapped(cls, content: npt.NDArray[np.uint8]) -> "PackedKeys":
        """The keys in the bytes of `content`, where they lie."""
        return cls(content[: _STARTS_BYTES - _PADDING].view("<u4"), content[_STARTS_BYTES:].view("<u8"))

    def has(self, wanted: Keys) -> npt.NDArray[np.bool_]:
        """For each key, whether it is one of these; quickest where `wanted` is sorted: its neighbours lie near, too."""
        prefixes, rests = _split(wanted)
        first, end = (self.starts[at].astype(np.intp) for at in (prefixes, prefixes + 1))
        return _found(rests, self.rests, first, end)

    def content(self) -> bytes:
        """The keys as bytes. Whoever changes them changes checkpoints.FORMAT too."""
        return b"".join((self.starts.tobytes(), bytes(_PADDING), self.rests.tobytes()))

    def keys(self) -> Keys:
        """The keys, whole and sorted."""
        prefixes = np.repeat(np.arange(PREFIXES, dtype=np.uint64), np.diff(self.starts))
        keys = np.empty(len(self.rests), KEY)
        keys["high"] = (prefixes << _REST_OF_HIGH) | (self.rests >> _LOW_BITS)
        keys["low"] = self.rests & np.uint64(PREFIXES - 1)
        return keys


def packed_bytes(count: int) -> int:
    """How many bytes so many keys take, packed."""
    return _STARTS_BYTES + _REST_BYTES * count


def among(wanted: Keys, few: Keys) -> npt.NDArray[np.bool_]:
    """For each of `wanted`, whether it is one of `few`, which are sorted."""
    highs, wanted_highs = np.ascontiguousarray(few["high"]), np.ascontiguousarray(wanted["high"])
    first, end = np.searchsorted(highs, wanted_highs), np.searchsorted(highs, wanted_highs, "right")
    return _found(wanted["low"], few["low"], first, end)


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
