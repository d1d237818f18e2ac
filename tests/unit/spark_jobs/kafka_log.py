"""Batches as the broker's log keeps them, made by hand.

Belongs here: batches and markers as bytes. Does not belong here: what is read from them.
"""

from kafka.record import MemoryRecordsBuilder

PRODUCER = 7


def batch(offset: int, records: int, *, producer: int | None = None, gap: int = 0) -> bytes:
    """A batch as the broker keeps it; `gap` offsets are taken out of it after its first record."""
    about = {} if producer is None else {"producer_id": producer, "producer_epoch": 0, "base_sequence": 0}
    builder = MemoryRecordsBuilder(2, 0, 1 << 20, offset=offset, transactional=producer is not None, **about)
    for number in range(records):
        builder.append(1, None, b"value")
        if not number:
            builder.skip(gap)
    builder.close()
    return bytes(builder.buffer())


def marker(offset: int, producer: int = PRODUCER) -> bytes:
    """A control batch: a batch of one record, with the bit of its attributes set that says so."""
    made = bytearray(batch(offset, 1, producer=producer))
    made[22] |= 0x20
    return bytes(made)
