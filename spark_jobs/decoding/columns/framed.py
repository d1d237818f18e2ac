"""The records of a batch by the schema of the registry that wrote them, each schema's read together.

Belongs here: the frame of many records. Does not belong here: the frame of one (decoding), encodings (avro_columns).
"""

from collections.abc import Collection
from functools import lru_cache

import numpy as np
import pyarrow as pa

from spark_jobs.contract.payment_event import MAX_VALUE_BYTES
from spark_jobs.decoding.columns.avro_columns import AvroColumns
from spark_jobs.decoding.columns.places import Columns, Place, laid_out
from spark_jobs.decoding.registered import ID_END, Registered
from spark_jobs.decoding.results import BadSchema

_MOST_SCHEMAS = 8
"""Of a batch: those that most of its records are of."""


def avro_columns(values: pa.BinaryArray, wanted: Collection[Place], registered: Registered) -> list[Columns]:
    """The records in the wire format whose schema is Avro, as far as they can be read together.

    Raises:
        RegistryUnavailable: a schema is not known yet, and the registry cannot be asked.
    """
    content, edges = laid_out(values)
    sizes = np.diff(edges)
    [framed] = np.nonzero((sizes >= ID_END) & (sizes <= MAX_VALUE_BYTES))
    heads = content[edges[framed, None] + np.arange(ID_END)]
    is_framed = heads[:, 0] == 0
    framed, heads = framed[is_framed], heads[is_framed]
    ids, which, counts = np.unique(heads[:, 1:].copy().view(">u4").ravel(), return_inverse=True, return_counts=True)
    found = []
    for place in np.argsort(-counts, kind="stable")[:_MOST_SCHEMAS]:
        schema = registered.schema(b"\0" + int(ids[place]).to_bytes(ID_END - 1))
        reader = _reader(schema.text, tuple(schema.references.values())) if schema and schema.kind == "AVRO" else None
        if reader is not None:
            found.append(reader.read(values, framed[which == place], ID_END, wanted))
    return found


@lru_cache(maxsize=256)
def _reader(schema: str, references: tuple[str, ...]) -> AvroColumns | None:
    try:
        return AvroColumns(schema, references)
    except BadSchema:
        return None
