"""A checkpoint is a cache: how its deduplication state is built anew from what the warehouse has published.

Belongs here: reading the remembered ids back and writing the buckets' seeds. Does not belong here: deciding that a
checkpoint is unusable (checkpoints.py).
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.fs as pafs

from spark_jobs.contract.payment_event import WATERMARK_MICROSECONDS
from spark_jobs.contract.times import to_microseconds
from spark_jobs.deduplication.checksums import seal
from spark_jobs.deduplication.id_keys import keys_of
from spark_jobs.deduplication.segment_files import open_segments, segment_cache
from spark_jobs.deduplication.state import SLOT_MICROSECONDS, DedupState
from spark_jobs.settings import JobSettings
from spark_jobs.streaming.packing import buckets_of, labels_of
from spark_jobs.streaming.plan import Locations
from spark_jobs.tables import catalog
from spark_jobs.warehouse.client import Control, table_id
from spark_jobs.warehouse.retries import bounds

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

SHARD_HEX_DIGITS = 2
"""A slot's hashes come in 256 rows: at 9 million a slot, the most that the state is made for, a row is 1.1 MB."""

PAGE_ROWS = 8
"""BigQuery answers with 10 MB at most."""


def seed_state(client: "Client", settings: JobSettings, control: Control, locations: Locations) -> int:
    """Write each bucket's seed: the ids published since the watermark's slot began. Returns how many there are."""
    if control.watermark is None:
        return 0
    return write_seeds(_published_hashes(client, settings, control.watermark), settings, control, locations)


def write_seeds(
    published: Iterable[tuple[int, bytes]], settings: JobSettings, control: Control, locations: Locations
) -> int:
    """Write each bucket's seed from slots with the concatenated 16-byte hashes of ids. Returns how many there are."""
    max_event_time = (to_microseconds(control.watermark) or 0) + WATERMARK_MICROSECONDS
    labels = labels_of(settings.state_buckets)
    states = {label: DedupState(max_event_time=max_event_time) for label in labels}
    stores = {label: open_segments(locations.segments(label), segment_cache()) for label in labels}
    total = 0
    for slot, hashes in published:
        keys = keys_of(hashes)
        bucket = buckets_of(hashes, np.ones(len(keys), dtype=bool), settings.state_buckets)
        event_times = np.full(len(keys), slot * SLOT_MICROSECONDS, dtype=np.int64)
        for number, label in enumerate(labels):
            mine = bucket == number
            seen = keys[mine], event_times[mine]
            states[label] = states[label].advance(*seen, max_event_time, WATERMARK_MICROSECONDS, stores[label])
        total += len(keys)
    for label, state in states.items():
        filesystem, path = pafs.FileSystem.from_uri(locations.seed(label))
        filesystem.create_dir(path.rpartition("/")[0], recursive=True)
        with filesystem.open_output_stream(path) as stream:
            stream.write(seal(state.encode()))
    return total


def _published_hashes(client: "Client", settings: JobSettings, watermark: datetime) -> Iterator[tuple[int, bytes]]:
    """Slots, each with the concatenated hashes of some of its ids: hashed and put together by the warehouse.

    A row for each payment would take its client half a minute a million.
    """
    from google.cloud import bigquery

    values: dict[str, tuple[str, int | datetime]] = {
        "since": ("TIMESTAMP", watermark - timedelta(microseconds=SLOT_MICROSECONDS)),
        "slot_microseconds": ("INT64", SLOT_MICROSECONDS),
        "shard_hex_digits": ("INT64", SHARD_HEX_DIGITS),
    }
    parameters = [bigquery.ScalarQueryParameter(name, type_, value) for name, (type_, value) in values.items()]
    rows = client.query(
        f"""
        with hashed as (
            select div(unix_micros(event_time), @slot_microseconds) as slot, to_hex(md5(transaction_id)) as id_hash
            from `{table_id(settings, catalog.TRANSACTIONS)}`
            where event_time >= @since
        )
        select slot, string_agg(id_hash, '') as hashes from hashed group by slot, substr(id_hash, 1, @shard_hex_digits)
        """,
        job_config=bigquery.QueryJobConfig(query_parameters=parameters),
        job_retry=None,
        **bounds(),
    ).result(page_size=PAGE_ROWS, job_retry=None, **bounds())
    for row in rows:
        yield row["slot"], bytes.fromhex(row["hashes"])
