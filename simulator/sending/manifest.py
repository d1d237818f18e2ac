"""The truth of what was sent: one line per delivery that the broker acknowledged, and the sums over them.

Belongs here: the manifest file, written and read, and its control totals. Does not belong here: Kafka (producer),
comparing with the warehouse. The file is JSON Lines: a header, then deliveries in the order of their acknowledgement.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from spark_jobs.contract.payment_event import Disposition, Reason

type Total = str | int | None

_FLUSH_SECONDS = 1.0
_HASH_DIGITS = 15
"""So many hexadecimal digits of each record's SHA-256 are added up in a hash total: 60 bits, whatever the order."""


class ManifestError(Exception):
    """A manifest cannot be read. The message is one line that says where and why."""


class Header(msgspec.Struct, frozen=True):
    """What was simulated. `source` names the simulation; `started_at` is RFC 3339."""

    source: str
    topic: str
    started_at: str
    seed: int
    schema_version: str
    settings: dict[str, int | float | None]


class Record(msgspec.Struct, frozen=True, gc=False):
    """A delivery that the broker acknowledged, and what ought to become of it.

    `sha256` is of the value's bytes, in hex; of no bytes where there is no value. `day` is the UTC day of event_time,
    or of the Kafka timestamp where the record is no valid payment; `currency` is then empty and `amount_minor` 0.
    `reasons` are all for which the contract refuses it.
    """

    partition: int
    offset: int
    sha256: str
    disposition: Disposition
    kind: str
    transaction_id: str | None
    day: str
    currency: str
    amount_minor: int
    fraud: str | None
    reasons: Sequence[Reason]


@dataclass(frozen=True, slots=True)
class Manifest:
    """A whole manifest."""

    header: Header
    deliveries: list[Record]

    def per_partition(self) -> dict[int, dict[Disposition, int]]:
        """How many deliveries of each disposition, zeros included, by partition."""
        counts = Counter((record.partition, record.disposition) for record in self.deliveries)
        partitions = sorted({partition for partition, _ in counts})
        return {partition: {d: counts[partition, d] for d in Disposition} for partition in partitions}

    def control_totals(self) -> list[dict[str, Total]]:
        """The sender's report: rows of spark_jobs.tables.catalog.CONTROL_TOTALS, ready for a JSON load."""
        groups: dict[tuple[str, int, str], list[Record]] = {}
        max_offsets: dict[int, int] = {}
        for record in self.deliveries:
            groups.setdefault((record.day, record.partition, record.currency), []).append(record)
            max_offsets[record.partition] = max(record.offset, max_offsets.get(record.partition, 0))
        return [
            self._control_total(day, partition, currency, records)
            | {"max_offset": max_offsets[partition], "report_sha256": None}
            for (day, partition, currency), records in sorted(groups.items())
        ]

    def _control_total(self, day: str, partition: int, currency: str, records: list[Record]) -> dict[str, Total]:
        unique = [record.amount_minor for record in records if record.disposition is Disposition.UNIQUE]
        return {
            "source": self.header.source,
            "reported_at": self.header.started_at,
            "day": day,
            "topic": self.header.topic,
            "kafka_partition": partition,
            "currency": currency,
            "delivered_count": len(records),
            "delivered_amount_minor": sum(record.amount_minor for record in records),
            "delivered_hash_total": str(sum(int(record.sha256[:_HASH_DIGITS], 16) for record in records)),
            "unique_count": len(unique),
            "unique_amount_minor": sum(unique),
        }


class ManifestWriter:
    """Writes a manifest as the acknowledgements come, next to its final name, which it takes when it is complete."""

    def __init__(self, path: Path, header: Header) -> None:
        """Begin the file.

        Raises:
            OSError: its folder cannot be made or written to.
        """
        self._path = path
        self._partial = path.with_name(f"{path.name}.partial")
        self._encoder = msgspec.json.Encoder()
        self._flushed_at = time.monotonic()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._partial.open("wb")
        self._file.write(self._encoder.encode(header) + b"\n")

    def write(self, record: Record) -> None:
        """Append a delivery; it is in the file a second later at most."""
        self._file.write(self._encoder.encode(record) + b"\n")
        if time.monotonic() - self._flushed_at > _FLUSH_SECONDS:
            self._file.flush()
            self._flushed_at = time.monotonic()

    def __enter__(self) -> Self:
        """Use as a context: complete when it is left without an error."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file; what an error cut short keeps the name `.partial`."""
        self._file.close()
        if error is None:
            self._partial.replace(self._path)


def read_manifest(path: Path) -> Manifest:
    """The manifest at `path`.

    Raises:
        ManifestError: there is none, or it is cut short, or a line is not what it should be.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ManifestError(f"No manifest can be read at {path}: {error.strerror}.") from None
    if not content.endswith(b"\n"):
        number = content.count(b"\n") + 1
        raise ManifestError(f"The manifest {path} is cut short: line {number} has no end. Simulate again.")
    first, *rest = content.splitlines()
    header = _decoded(path, 1, first, Header)
    return Manifest(header, [_decoded(path, number, line, Record) for number, line in enumerate(rest, start=2)])


def _decoded[T](path: Path, number: int, line: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.DecodeError as error:
        raise ManifestError(f"Line {number} of the manifest {path} is no {kind.__name__.lower()}: {error}.") from None
