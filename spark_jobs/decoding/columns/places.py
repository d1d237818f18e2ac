"""What is asked for, and what is found: places in documents, and the columns of those records that are read together.

Belongs here: the types, and where records lie. Does not belong here: reading (the other modules of this package).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

type Place = tuple[str, ...]
"""The names on the way to a value in a document."""

type Numbers = npt.NDArray[np.int64]
type Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Columns:
    """Some records of a batch: each is a document, and what it has at the places is in the columns.

    Args:
        rows: which records they are, ascending. Of the others nothing is said.
        found: a column for each place that was asked for, as long as `rows`: texts, whole numbers, decimals or
            booleans; null where a document has null or nothing there.
    """

    rows: Numbers
    found: Mapping[Place, pa.Array]


def laid_out(values: pa.BinaryArray) -> tuple[npt.NDArray[np.uint8], Numbers]:
    """All bytes, one at least, and the edges in them: each value lies between an edge and the next.

    A null is as one without bytes.
    """
    _, offsets, content = values.buffers()
    edges = np.frombuffer(offsets, np.int32)[values.offset : values.offset + len(values) + 1]
    return np.frombuffer(content or b"\0", np.uint8), edges.astype(np.int64)
