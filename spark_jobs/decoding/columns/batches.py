"""The records of a batch that can be read together, by the format of the topic.

Belongs here: which formats have columns. Does not belong here: reading them (the other modules of this package), the
other records (decoding).
"""

from collections.abc import Collection, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.decoding.columns.framed import avro_columns
from spark_jobs.decoding.columns.json_columns import json_columns
from spark_jobs.decoding.columns.places import Columns, Place
from spark_jobs.decoding.registered import VALUE_HEADER, Registered, registered_of_process
from spark_jobs.decoding.results import Format


def columns_of(
    values: pa.BinaryArray,
    contents: Sequence[bytes | None],
    headers: pa.ListArray | None,
    fmt: Format,
    wanted: Collection[Place],
    registered: Registered | None = None,
) -> list[Columns]:
    """Columns of some of the records, of each at most once. Of the others nothing is said: read them one by one.

    Args:
        values: the records' values.
        contents: the same, as Python has them.
        headers: parsing's HEADERS_TYPE; None where they were not read.
        fmt: how the topic's records are written.
        wanted: the places of the columns.
        registered: the registry's schemas; default: those of the process.

    Raises:
        RegistryUnavailable: a schema is not known yet, and the registry cannot be asked.
    """
    if fmt is Format.JSON:
        found = json_columns(values, contents, wanted)
        return [] if found is None else [found]
    if fmt is Format.AVRO and not _names_schemas(headers):
        return avro_columns(values, wanted, registered or registered_of_process())
    return []


def _names_schemas(headers: pa.ListArray | None) -> bool:
    """Whether a record has its schema in a header: what its value begins with is none then."""
    return headers is not None and bool(pc.any(pc.equal(headers.flatten().field(0), VALUE_HEADER)).as_py())
