"""A batch's bytes with a position in each record: many records are read a step at a time, all of them together.

Belongs here: the steps that any schema is made of. Does not belong here: schemas (avro_columns). Pure.

A record that is not plainly as a step wants it is spoilt: it is read on to no harm, and counts for nothing.
"""

import numpy as np
import pyarrow as pa

from spark_jobs.decoding.columns.places import Flags, Numbers, laid_out

_MORE = 128
_MOST_SHIFT = 56
"""A number of nine bytes has 63 bits. One of ten is rare, and read elsewhere."""
_DECIMAL_BYTES = 16


class WireBytes:
    """Records that lie one behind the other.

    Args:
        values: the records' values.
        rows: which of them are read, ascending.
        skipped: how many bytes of each are not looked at.
    """

    def __init__(self, values: pa.BinaryArray, rows: Numbers, skipped: int) -> None:
        self._content = values.buffers()[2]
        self._data, edges = laid_out(values)
        self._ends = edges[1:][rows]
        self._at = edges[:-1][rows] + skipped
        self.is_spoilt: Flags = self._at > self._ends
        self._at = np.minimum(self._at, self._ends)
        self.starts = self._at.copy()

    @property
    def is_at_end(self) -> Flags:
        """Which records were read to their last byte."""
        is_at_end: Flags = self._at == self._ends
        return is_at_end

    def spoil(self, rows: Numbers) -> None:
        """Give these records up."""
        self.is_spoilt[rows] = True

    def unspoilt(self, rows: Numbers) -> Numbers:
        """Those of the records that were not given up."""
        return rows[~self.is_spoilt[rows]]

    def byte(self, rows: Numbers) -> Numbers:
        """The next byte of each."""
        at = self._at[rows]
        self._go(rows, at + 1)
        return self._bytes_at(at)

    def number(self, rows: Numbers) -> Numbers:
        """The next whole number of each, as it is written: of variable length, and with its sign as the last bit."""
        at = self._at[rows]
        number = self._bytes_at(at)
        at += 1
        [longer] = np.nonzero(number >= _MORE)
        number[longer] -= _MORE
        shift = 7
        while longer.size and shift <= _MOST_SHIFT:
            byte = self._bytes_at(at[longer])
            at[longer] += 1
            number[longer] |= (byte % _MORE) << shift
            longer = longer[byte >= _MORE]
            shift += 7
        self.spoil(rows[longer])
        self._go(rows, at)
        return number

    def count(self, rows: Numbers) -> Numbers:
        """The next whole number of each where it is not negative; else 0, and the record is spoilt."""
        number = self.number(rows)
        is_negative = number & 1 == 1
        if is_negative.any():
            self.spoil(rows[is_negative])
            number[is_negative] = 0
        return number >> 1

    def span(self, rows: Numbers) -> tuple[Numbers, Numbers]:
        """Where the next bytes of each begin and end, of which it says first how many they are."""
        return self.block(rows, self.count(rows))

    def block(self, rows: Numbers, size: Numbers | int) -> tuple[Numbers, Numbers]:
        """Where the next so many bytes of each begin and end."""
        start = self._at[rows]
        self._go(rows, start + size)
        return start, self._at[rows]

    def cut(self, starts: Numbers, stops: Numbers, is_there: Flags) -> pa.BinaryArray:
        """The bytes of each record between; null where there are none. The spans ascend from record to record."""
        count = len(starts)
        if not count:
            return pa.array([], pa.binary())
        # Every other element is what lies between two spans.
        edges = np.empty(2 * count, np.int32)
        edges[::2], edges[1::2] = starts, stops
        pieces = pa.Array.from_buffers(pa.binary(), 2 * count - 1, [None, pa.py_buffer(edges), self._content])
        return pieces.take(pa.array(np.arange(0, 2 * count, 2), mask=~is_there))

    def decimals(self, starts: Numbers, stops: Numbers, is_there: Flags, kind: pa.Decimal128Type) -> pa.Array:
        """The numbers whose digits, big-endian in two's complement, are the bytes between: up to 15 of each."""
        sizes = np.where(is_there, stops - starts, 0)
        is_negative = (sizes > 0) & (self._bytes_at(starts) >= _MORE)
        little = np.zeros((len(starts), _DECIMAL_BYTES), np.uint8)
        little[is_negative] = 255
        for place in range(int(sizes.max(initial=0))):
            [rows] = np.nonzero(sizes > place)
            little[rows, place] = self._bytes_at(stops[rows] - 1 - place)
        validity = pa.array(is_there).buffers()[1]
        return pa.Array.from_buffers(kind, len(starts), [validity, pa.py_buffer(little)])

    def _bytes_at(self, at: Numbers) -> Numbers:
        # Of a record that is spoilt any byte will do, and the last one has none behind it.
        return self._data.take(at, mode="clip").astype(np.int64)

    def _go(self, rows: Numbers, at: Numbers) -> None:
        ends = self._ends[rows]
        is_beyond = at > ends
        if is_beyond.any():
            self.spoil(rows[is_beyond])
            at = np.minimum(at, ends)
        self._at[rows] = at
