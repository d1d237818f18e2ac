"""What crosses the shuffle: where packed records lie. The records themselves go by way of the staging location.

Belongs here: writing parcels and fetching them. Does not belong here: what is in one (packing.py), Spark.
A record that Spark shuffles and hands to Python is copied a dozen times on its way; a file is written and mapped once.
"""

import uuid
from collections.abc import Iterable, Iterator

import pandas as pd
import pyarrow as pa
import pyarrow.fs as pafs

REFERENCE_SCHEMA = "bucket int, max_event_time long, uri string, start long, size long"
"""A row of packing.PACKED_SCHEMA by reference: `size` bytes from `start` of the file at `uri`."""

_REFERENCE = pa.schema(
    [
        *(pa.field("bucket", pa.int32()), pa.field("max_event_time", pa.int64()), pa.field("uri", pa.string())),
        *(pa.field("start", pa.int64()), pa.field("size", pa.int64())),
    ]
)


def park(packed: Iterable[pa.RecordBatch], location: str) -> Iterator[pa.RecordBatch]:
    """Rows of packing.PACKED_SCHEMA as rows of REFERENCE_SCHEMA. All of them share one new file below `location`.

    The file is whole once the last row is taken; nobody reads it before, as a shuffle lies between.
    """
    filesystem, folder = pafs.FileSystem.from_uri(location)
    name = f"{uuid.uuid4().hex}.parcels"
    filesystem.create_dir(folder, recursive=True)
    with filesystem.open_output_stream(f"{folder}/{name}") as stream:
        start = 0
        for batch in packed:
            starts, sizes = [], []
            for payload in batch["records"]:
                stream.write(payload.as_buffer())
                starts.append(start)
                sizes.append(len(payload.as_buffer()))
                start += sizes[-1]
            uris = [f"{location}/{name}"] * len(sizes)
            columns = [batch["bucket"], batch["max_event_time"], pa.array(uris), pa.array(starts), pa.array(sizes)]
            yield pa.RecordBatch.from_arrays(columns, schema=_REFERENCE)


def fetch(references: pd.DataFrame) -> list[pa.Buffer]:
    """The payloads of REFERENCE_SCHEMA rows, in order."""
    uris: list[str] = references["uri"].tolist()
    files = {uri: _open(uri) for uri in dict.fromkeys(uris)}
    places = zip(uris, references["start"].tolist(), references["size"].tolist(), strict=True)
    return [files[uri].read_at(size, start) for uri, start, size in places]


def _open(uri: str) -> pa.NativeFile:
    filesystem, path = pafs.FileSystem.from_uri(uri)
    return pa.memory_map(path) if isinstance(filesystem, pafs.LocalFileSystem) else filesystem.open_input_file(path)
