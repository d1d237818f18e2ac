"""Checksums of the files that lie beside Spark's checkpoint: damage is noticed, never taken for data.

Belongs here: the checksum and the error. Does not belong here: what the files hold (segment_files, sinks.bigquery),
what to do about damage (driver). Spark's own files: its state store's codec has checksums, its logs are held against
the ledger.
"""

from collections.abc import Buffer

import crc32c

_SEAL_BYTES = 4


class Damaged(RuntimeError):
    """A file of the deduplication state is missing, cut short or altered. Its name is what driver looks for."""


def checksum(content: Buffer) -> int:
    """CRC-32C (RFC 3720): any single burst of up to 32 bits is found."""
    return int(crc32c.crc32c(content))


def seal(content: bytes) -> bytes:
    """The content with its checksum before it."""
    return checksum(content).to_bytes(_SEAL_BYTES, "little") + content


def unseal(sealed: bytes, name: str) -> bytes:
    """The content that `seal` was given.

    Raises:
        Damaged: naming the file.
    """
    content = sealed[_SEAL_BYTES:]
    if len(sealed) < _SEAL_BYTES or checksum(content) != int.from_bytes(sealed[:_SEAL_BYTES], "little"):
        raise Damaged(f"{name} is not what was written.")
    return content
