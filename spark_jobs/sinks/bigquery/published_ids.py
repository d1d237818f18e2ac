"""A checkpoint is a cache: how its deduplication state is built anew from what the warehouse has published.

Belongs here: reading the remembered ids back and writing the buckets' seeds. Does not belong here: deciding that a
checkpoint is unusable (driver).
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from spark_jobs.deduplication.state import SLOT_MICROSECONDS
from spark_jobs.publishing.control import Control
from spark_jobs.settings import JobSettings
from spark_jobs.streaming.locations import Locations
from spark_jobs.streaming.state_seeds import kept_days, seeded_since, write_seeds
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.retries import bounds, rows_of

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

SHARD_HEX_DIGITS = 2
"""A slot's hashes come in 256 rows: at 9 million a slot, the most that the state is made for, a row is 1.1 MB."""

PAGE_ROWS = 8
"""BigQuery answers with 10 MB at most."""


def seed_state(client: "Client", settings: JobSettings, control: Control, locations: Locations) -> int:
    """Write each bucket's seed: the ids published since the watermark's slot began. Returns how many there are.

    Where the days before it are kept, the seed begins with them.
    """
    if control.watermark is None:
        return 0
    kept = kept_days(locations, settings.state_buckets, control.watermark)
    return write_seeds(
        _published_hashes(client, settings, seeded_since(control.watermark, kept)),
        settings.state_buckets,
        control.watermark,
        locations,
        delay=settings.watermark_microseconds,
        lookback=settings.lookback_microseconds,
        kept=kept,
    )


def _published_hashes(client: "Client", settings: JobSettings, since: datetime) -> Iterator[tuple[int, bytes]]:
    """Slots, each with the concatenated hashes of some of its ids: hashed and put together by the warehouse.

    A row for each payment would take its client half a minute a million.
    """
    from google.cloud import bigquery

    values: dict[str, tuple[str, int | datetime]] = {
        "since": ("TIMESTAMP", since),
        "slot_microseconds": ("INT64", SLOT_MICROSECONDS),
        "shard_hex_digits": ("INT64", SHARD_HEX_DIGITS),
    }
    parameters = [bigquery.ScalarQueryParameter(name, type_, value) for name, (type_, value) in values.items()]
    job = client.query(
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
    )
    for row in rows_of(job, PAGE_ROWS):
        yield row["slot"], bytes.fromhex(row["hashes"])
