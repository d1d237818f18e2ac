"""Offsets by partition, and their one text form.

Belongs here: offsets and ranges of offsets as text and as query parameters. Does not belong here: asking the broker
(topic).
"""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


def offsets_to_json(offsets: dict[int, int]) -> str:
    """Canonical JSON: partitions in order, no spaces, so that equal offsets are equal text."""
    return json.dumps({str(partition): offsets[partition] for partition in sorted(offsets)}, separators=(",", ":"))


def offsets_from_json(text: str) -> dict[int, int]:
    """Offsets by partition from the JSON that `offsets_to_json` wrote."""
    return {int(partition): offset for partition, offset in json.loads(text).items()}


type Ranges = dict[int, tuple[int, int]]
"""First offset and the one after the last, by partition."""


def _structs(ranges: Ranges) -> list[dict[str, int]]:
    return [
        {"kafka_partition": partition, "start_offset": start, "end_offset": end}
        for partition, (start, end) in sorted(ranges.items())
    ]
