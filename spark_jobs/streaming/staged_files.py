"""Tagged records as Parquet files at the staging location, where a load job finds them.

Belongs here: the staged columns, writing one file, sweeping files no longer needed. Does not belong here: loading.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from spark_jobs.contract.payment_event import FIELD_NAMES, Disposition
from spark_jobs.deduplication.dispositions import DISPOSITIONS
from spark_jobs.file_systems import delete_files, delete_folder, make_folder
from spark_jobs.reading.records import RECORD_SCHEMA

_STAGED_NAMES = [
    *("kafka_partition", "kafka_offset", "kafka_timestamp", "disposition", "reasons"),
    *FIELD_NAMES,
    *("amount_minor", "extra_fields", "payload_hash", "value_sha256", "raw_key", "raw_value", "dropped_labels"),
    "headers",
]

STAGED_SCHEMA = pa.schema(
    pa.field(name, pa.string()) if name in ("disposition", "headers") else RECORD_SCHEMA.field(name)
    for name in _STAGED_NAMES
)
"""A staged record. `raw_key`, `raw_value` and `headers` are null where UNIQUE: what was accepted is columns."""

_FEW_VALUES = ["disposition", "currency", "country", "device_type", "payment_method", "merchant_category"]


def with_dispositions(records: pa.Table, dispositions: npt.NDArray[np.int8]) -> pa.Table:
    """STAGED_SCHEMA from RECORD_SCHEMA and indexes into tagging.DISPOSITIONS, row by row."""
    names = pa.array([d.value for d in DISPOSITIONS]).take(pa.array(dispositions))
    is_unique = pa.array(dispositions == DISPOSITIONS.index(Disposition.UNIQUE))
    columns = {name: records[name] for name in _STAGED_NAMES if name != "disposition"}
    for name in ("raw_key", "raw_value"):
        columns[name] = pc.if_else(is_unique, pa.scalar(None, pa.binary()), records[name])
    columns["headers"] = pc.if_else(is_unique, pa.scalar(None, pa.string()), records["headers"].cast(pa.string()))
    columns["disposition"] = names
    return pa.table(columns).select(_STAGED_NAMES).cast(STAGED_SCHEMA)


def to_staged(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """STAGED_SCHEMA from rows; what a row does not name is null in it."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=STAGED_SCHEMA)


def write(tagged: pa.Table, location: str) -> str:
    """Write one Parquet file below `location` (a `file:` or `gs:` URI) and return its URI."""
    filesystem, folder = make_folder(location)
    name = f"{uuid.uuid4().hex}.parquet"
    pq.write_table(
        tagged,
        f"{folder}/{name}",
        filesystem=filesystem,
        compression=_compression(filesystem),
        use_dictionary=_FEW_VALUES,
        write_statistics=False,
    )
    return f"{location}/{name}"


def _compression(filesystem: pafs.FileSystem) -> str:
    # A file of this machine is read a moment later from memory: twice the bytes cost less than to make them fewer.
    return "none" if isinstance(filesystem, pafs.LocalFileSystem) else "snappy"


def remove(uris: tuple[str, ...]) -> None:
    """Delete staged files that have been published."""
    delete_files(uris)


def sweep(location: str) -> None:
    """Delete whatever runs that died have left below `location`."""
    delete_folder(location)
    make_folder(location)
