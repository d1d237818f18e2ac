"""The version of the contract that a record's header names.

Belongs here: finding it in the headers of many records. Does not belong here: what a version changes (contract),
reading values by one (json_parsing). Pure: no Spark, no I/O.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.contract.payment_event import SCHEMA_VERSION_HEADER, SCHEMA_VERSIONS

HEADERS_TYPE = pa.list_(pa.struct([pa.field("key", pa.string()), pa.field("value", pa.binary())]))
"""The headers of records as Spark's Kafka source has them; null where a record has none."""
UNKNOWN_VERSION = "unknown"
"""Of a record that names a version which is none of SCHEMA_VERSIONS."""


def versions_of(column: pa.ListArray | None) -> pa.StringArray | None:
    """The version of the contract that each record names: one of SCHEMA_VERSIONS, or UNKNOWN_VERSION.

    Null where it names none; None where no record names one. Of several the last counts. `column` is of HEADERS_TYPE.
    """
    if column is None:
        return None
    flat = column.flatten()
    names, texts = flat.field(0), flat.field(1)
    is_named = pc.fill_null(pc.equal(names, SCHEMA_VERSION_HEADER), False)
    is_named = pc.and_(is_named, texts.is_valid())
    if not is_named.true_count:
        return None
    record = np.repeat(np.arange(len(column)), np.asarray(pc.fill_null(column.value_lengths(), 0)))
    known = pc.index_in(texts, pa.array([version.encode() for version in SCHEMA_VERSIONS], texts.type))
    chosen = np.asarray(is_named)
    found = np.full(len(column), -1)
    found[record[chosen]] = np.asarray(pc.fill_null(known, len(SCHEMA_VERSIONS)))[chosen]
    of_each = pa.array([*SCHEMA_VERSIONS, UNKNOWN_VERSION])
    return of_each.take(pa.array(found, mask=found < 0))
