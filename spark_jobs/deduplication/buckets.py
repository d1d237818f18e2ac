"""Which bucket an id belongs to, and the labels by which Spark puts buckets apart.

Belongs here: hashing. Does not belong here: packing records by bucket (streaming).
"""

import functools
from collections.abc import Buffer

import numpy as np
import numpy.typing as npt


def buckets_of(id_hashes: Buffer, is_valid: npt.NDArray[np.bool_], buckets: int) -> npt.NDArray[np.int32]:
    """The bucket of each record: by its id where it is valid; by its place in the batch where it has no id to trust.

    Args:
        id_hashes: 16 bytes a record, concatenated. The last four choose the bucket: dedup_state uses the others.
        is_valid: one flag a record.
        buckets: how many there are.
    """
    last_words = np.frombuffer(id_hashes, "<u4").reshape(-1, 4)[:, 3]
    by_id = (last_words % buckets).astype(np.int32)
    return np.where(is_valid, by_id, np.arange(len(is_valid), dtype=np.int32) % buckets)


@functools.cache
def labels_of(buckets: int) -> tuple[int, ...]:
    """A label for each bucket such that Spark's hash partitioning puts each into a partition of its own.

    Spark places an int key in partition pmod(murmur3(key), partitions); 0, 1, 2 ... would share partitions.
    """
    labels: dict[int, int] = {}
    candidate = 0
    while len(labels) < buckets:
        labels.setdefault(_spark_hash(candidate) % buckets, candidate)
        candidate += 1
    return tuple(labels[partition] for partition in range(buckets))


def _spark_hash(value: int) -> int:
    """Spark SQL's hash() of one int: Murmur3 x86 32-bit with seed 42, as a signed number."""
    mask = 0xFFFFFFFF
    word = value * 0xCC9E2D51 & mask
    word = (word << 15 | word >> 17) & mask
    mixed = 42 ^ (word * 0x1B873593 & mask)
    mixed = (mixed << 13 | mixed >> 19) & mask
    mixed = (mixed * 5 + 0xE6546B64 & mask) ^ 4
    mixed = (mixed ^ mixed >> 16) * 0x85EBCA6B & mask
    mixed = (mixed ^ mixed >> 13) * 0xC2B2AE35 & mask
    mixed ^= mixed >> 16
    return mixed - (1 << 32) if mixed >> 31 else mixed
