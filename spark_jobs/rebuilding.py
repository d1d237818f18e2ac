"""A checkpoint is a cache: how its deduplication state is built anew from what the warehouse has published.

Belongs here: reading the remembered ids back and writing the buckets' seeds. Does not belong here: deciding that a
checkpoint is unusable (checkpoints.py).
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow.fs as pafs

from spark_jobs import tables
from spark_jobs.checksums import seal
from spark_jobs.contract import WATERMARK_MICROSECONDS
from spark_jobs.dedup_state import SLOT_MICROSECONDS, DedupState, keys_of
from spark_jobs.jobs import bounds
from spark_jobs.packing import buckets_of, labels_of
from spark_jobs.pipeline import Locations
from spark_jobs.segments import open_segments, segment_cache
from spark_jobs.settings import JobSettings
from spark_jobs.times import to_microseconds
from spark_jobs.warehouse import Control, table_id

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

PAGE_ROWS = 100_000


def seed_state(client: "Client", settings: JobSettings, control: Control, locations: Locations) -> int:
    """Write each bucket's seed: the ids published since the watermark's slot began. Returns how many there are."""
    if control.watermark is None:
        return 0
    max_event_time = (to_microseconds(control.watermark) or 0) + WATERMARK_MICROSECONDS
    labels = labels_of(settings.state_buckets)
    states = {label: DedupState(max_event_time=max_event_time) for label in labels}
    stores = {label: open_segments(locations.segments(label), segment_cache()) for label in labels}
    total = 0
    for ids, event_times in _published_ids(client, settings, control.watermark):
        hashes = b"".join(hashlib.md5(i.encode(), usedforsecurity=False).digest() for i in ids)
        bucket = buckets_of(hashes, np.ones(len(ids), dtype=bool), settings.state_buckets)
        keys = keys_of(hashes)
        for number, label in enumerate(labels):
            mine = bucket == number
            seen = keys[mine], event_times[mine]
            states[label] = states[label].advance(*seen, max_event_time, WATERMARK_MICROSECONDS, stores[label])
        total += len(ids)
    for label, state in states.items():
        filesystem, path = pafs.FileSystem.from_uri(locations.seed(label))
        filesystem.create_dir(path.rpartition("/")[0], recursive=True)
        with filesystem.open_output_stream(path) as stream:
            stream.write(seal(state.encode()))
    return total


def _published_ids(
    client: "Client", settings: JobSettings, watermark: datetime
) -> Iterator[tuple[tuple[str, ...], npt.NDArray[np.int64]]]:
    from google.cloud import bigquery

    since = watermark - timedelta(microseconds=SLOT_MICROSECONDS)
    config = bigquery.QueryJobConfig(query_parameters=[bigquery.ScalarQueryParameter("since", "TIMESTAMP", since)])
    rows = client.query(
        f"select transaction_id, unix_micros(event_time) as at from `{table_id(settings, tables.TRANSACTIONS)}` "
        "where event_time >= @since",
        job_config=config,
        job_retry=None,
        **bounds(),
    ).result(page_size=PAGE_ROWS, job_retry=None, **bounds())
    for page in rows.pages:
        pairs = [(row["transaction_id"], row["at"]) for row in page]
        yield tuple(i for i, _ in pairs), np.array([at for _, at in pairs], dtype=np.int64)
