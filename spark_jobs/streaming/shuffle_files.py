"""What crosses the shuffle: where packed records lie. The records themselves go by way of the staging location.

Belongs here: writing parcels and fetching them. Does not belong here: what is in one (packing), Spark.
A record that Spark shuffles and hands to Python is copied a dozen times on its way; a file is written and mapped once.
"""

import uuid
from collections.abc import Iterable, Iterator

import pandas as pd
import pyarrow as pa

from spark_jobs.deduplication.buckets import labels_of
from spark_jobs.file_systems import make_folder, read_parts
from spark_jobs.streaming import packing

REFERENCE_SCHEMA = "bucket int, max_event_time long, uri string, start long, size long"
"""One bucket's part of a packing.PackedRecords: `size` bytes from `start` of the file at `uri`, by `packing.write`."""

_REFERENCE = pa.schema(
    [
        *(pa.field("bucket", pa.int32()), pa.field("max_event_time", pa.int64()), pa.field("uri", pa.string())),
        *(pa.field("start", pa.int64()), pa.field("size", pa.int64())),
    ]
)

_ALIGNMENT = 64
"""Where Arrow wants columns to begin: they are read where they lie."""


def park(packed: Iterable[packing.PackedRecords], location: str) -> Iterator[pa.RecordBatch]:
    """Rows of REFERENCE_SCHEMA, one for every bucket of each. All of them share one new file below `location`.

    The file is whole once the last row is taken; nobody reads it before, as a shuffle lies between.
    """
    filesystem, folder = make_folder(location)
    name = f"{uuid.uuid4().hex}.parcels"
    with filesystem.open_output_stream(f"{folder}/{name}") as stream:
        for pack in packed:
            starts, sizes = [], []
            for records in pack.tables:
                stream.write(bytes(-stream.tell() % _ALIGNMENT))
                starts.append(stream.tell())
                packing.write(records, stream)
                sizes.append(stream.tell() - starts[-1])
            buckets = len(pack.tables)
            yield pa.RecordBatch.from_arrays(
                [
                    pa.array(labels_of(buckets), pa.int32()),
                    pa.array([pack.max_event_time] * buckets, pa.int64()),
                    pa.array([f"{location}/{name}"] * buckets),
                    pa.array(starts, pa.int64()),
                    pa.array(sizes, pa.int64()),
                ],
                schema=_REFERENCE,
            )


def fetch(references: pd.DataFrame) -> list[bytes]:
    """The payloads of REFERENCE_SCHEMA rows, in order."""
    columns = (references[name].tolist() for name in ("uri", "start", "size"))
    return read_parts(list(zip(*columns, strict=True)))
