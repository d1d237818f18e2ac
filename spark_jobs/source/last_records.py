"""The last published record of each partition, and whether the broker still holds it: a restored broker may not.

Belongs here: the text that the control row keeps, and comparing it with the log. Does not belong here: where reading
goes on (topic), which record was the last (streaming).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping

from spark_jobs.incidents import Incident, IncidentKind

type LastRecords = Mapping[int, tuple[int, str]]
"""Offset and the SHA-256 of the value, hexadecimal, by partition."""


def last_records_to_json(records: LastRecords) -> str:
    """Canonical: some 80 bytes a partition."""
    return json.dumps({str(p): list(records[p]) for p in sorted(records)}, separators=(",", ":"))


def last_records_from_json(text: str | None) -> dict[int, tuple[int, str]]:
    """What `last_records_to_json` wrote; nothing of a control row of before."""
    return {int(p): (offset, sha256) for p, (offset, sha256) in json.loads(text or "{}").items()}


def sha256_at(fetches: Iterable[bytes], offset: int) -> str | None:
    """Of the value of the record at that offset; None where there is no record of a sender's."""
    from kafka.record import MemoryRecords

    for fetched in fetches:
        for batch in MemoryRecords(fetched):
            if batch.base_offset <= offset < batch.next_offset and not batch.is_control_batch:
                found = next((record for record in batch if record.offset == offset), None)
                return hashlib.sha256(found.value or b"").hexdigest() if found else None
    return None


def check_last_records(
    topic: str, published: LastRecords, held: Mapping[int, str | None], *, is_compacted: bool
) -> None:
    """Make sure that the broker holds what was published.

    Args:
        topic: its name.
        published: what the control row says.
        held: what the broker holds there, of the partitions that still keep the offset; None for no record.
        is_compacted: whether the broker may have deleted a record by itself.

    Raises:
        Incident: TOPIC_RECREATED, with partitions and offsets.
    """
    other = {
        partition: offset
        for partition, (offset, sha256) in sorted(published.items())
        if partition in held and held[partition] != sha256 and not (is_compacted and held[partition] is None)
    }
    if other:
        places = ", ".join(f"partition {p} offset {offset}" for p, offset in other.items())
        raise Incident(
            IncidentKind.TOPIC_RECREATED,
            f"topic {topic!r} holds another record than the one that was published last: {places}. The broker was set "
            f"back, and gave offsets a second time: what lies below the published ones was never read. Bring back its "
            f"data, or publish into a dataset of its own from the first offset on.",
            {p: (offset, offset + 1) for p, offset in other.items()},
        )
