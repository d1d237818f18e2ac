"""Which disposition each record of a micro-batch gets, given what the state remembers.

Belongs here: the rules of UNIQUE, DUPLICATE, LATE, QUARANTINED and IGNORED. Does not belong here: how ids are
remembered (state), files, Spark. Pure.

The rules: what the mapping ignores is IGNORED, any other record with a reason is QUARANTINED; neither moves the
watermark. Of the payments that are not late and not remembered, the earliest by
(event_time, partition, offset) of each id is UNIQUE. A late payment whose id is neither remembered nor UNIQUE in this
batch is LATE. Every other payment is a DUPLICATE.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spark_jobs.contract.payment_event import Disposition
from spark_jobs.deduplication.id_keys import Keys, among, in_order
from spark_jobs.deduplication.slots import SegmentStore
from spark_jobs.deduplication.state import NOTHING_SEEN, DedupState

DISPOSITIONS: tuple[Disposition, ...] = tuple(Disposition)
_UNIQUE, _DUPLICATE, _LATE, _QUARANTINED, _IGNORED = range(5)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The records of one bucket, column by column, all of one length.

    `event_time` is microseconds since 1970 and means nothing where `is_valid` is false; only there can `is_ignored` be
    true.
    """

    keys: Keys
    is_valid: npt.NDArray[np.bool_]
    is_ignored: npt.NDArray[np.bool_]
    event_time: npt.NDArray[np.int64]
    partition: npt.NDArray[np.int32]
    offset: npt.NDArray[np.int64]


def watermark_of(max_event_time: int, delay: int) -> int | None:
    """The watermark in microseconds, None before the first valid payment."""
    return None if max_event_time == NOTHING_SEEN else max_event_time - delay


def max_event_time_of(watermark: int, delay: int) -> int:
    """How far event time had come where the watermark is there, in microseconds; NOTHING_SEEN for NOTHING_SEEN."""
    return watermark if watermark == NOTHING_SEEN else watermark + delay


def tag(
    candidates: Candidates,
    state: DedupState,
    batch_max_event_time: int,
    delay: int,
    store: SegmentStore,
    lookback: int = 0,
) -> tuple[npt.NDArray[np.int8], DedupState]:
    """Dispositions, as indexes into DISPOSITIONS, and the state after the batch.

    Args:
        candidates: the bucket's records.
        state: the bucket's state; its max_event_time is that of the batches before this one.
        batch_max_event_time: the greatest valid event time of the whole batch, all buckets.
        delay: how far the watermark trails, microseconds.
        store: the bucket's segment files.
        lookback: for how long the state keeps ids that it no longer judges by, microseconds.
    """
    dispositions = np.where(candidates.is_ignored, _IGNORED, _QUARANTINED).astype(np.int8)
    valid = np.flatnonzero(candidates.is_valid)
    # Once, here: searches then find neighbours near each other, equals stand together, and later sorts have less to do.
    valid = valid[np.argsort(candidates.keys["high"][valid], kind="stable")]
    keys, event_time = candidates.keys[valid], candidates.event_time[valid]
    watermark = watermark_of(state.max_event_time, delay)
    is_late = np.zeros(len(valid), dtype=bool) if watermark is None else event_time < watermark
    is_known = state.contains(keys, store)

    eligible = np.flatnonzero(~is_late & ~is_known)
    rows = valid[eligible]
    first = eligible[
        _earliest(keys[eligible], event_time[eligible], candidates.partition[rows], candidates.offset[rows])
    ]
    tags = np.full(len(valid), _DUPLICATE, dtype=np.int8)
    tags[first] = _UNIQUE
    late = np.flatnonzero(is_late & ~is_known)
    if len(late):
        tags[late[~among(keys[late], in_order(keys[first]))]] = _LATE
    dispositions[valid] = tags
    return dispositions, state.advance(keys[first], event_time[first], batch_max_event_time, delay, store, lookback)


def _earliest(
    keys: Keys, event_time: npt.NDArray[np.int64], partition: npt.NDArray[np.int32], offset: npt.NDArray[np.int64]
) -> npt.NDArray[np.intp]:
    """The index of the earliest record of each distinct key; keys are sorted by `high`."""
    highs = keys["high"]
    repeats = np.flatnonzero(highs[1:] == highs[:-1])
    if not len(repeats):
        return np.arange(len(keys))
    contested = np.zeros(len(keys), dtype=bool)
    contested[repeats] = contested[repeats + 1] = True
    few = np.flatnonzero(contested)
    few = few[np.lexsort((offset[few], partition[few], event_time[few], keys["low"][few], keys["high"][few]))]
    is_first = np.ones(len(few), dtype=bool)
    is_first[1:] = keys[few][1:] != keys[few][:-1]
    return np.concatenate([np.flatnonzero(~contested), few[is_first]])
