"""Offsets by partition, and their one text form.

Belongs here: offsets and ranges of offsets as text and as query parameters, and which may be begun at. Does not belong
here: asking the broker (topic).
"""

import json
from collections.abc import Mapping


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


class WrongOffsets(ValueError):
    """They cannot be begun at. The message is one line."""


def parse_offsets(text: str) -> dict[int, int]:
    """Offsets by partition from a JSON object that somebody wrote.

    Raises:
        WrongOffsets: it is none.
    """
    try:
        offsets = offsets_from_json(text)
    except (ValueError, AttributeError) as error:
        raise WrongOffsets('offsets are a JSON object by partition, such as {"0": 1200, "1": 980}') from error
    if not all(type(offset) is int for offset in offsets.values()):
        raise WrongOffsets("an offset is a whole number")
    return offsets


def check_offsets(chosen: Mapping[int, int], earliest: Mapping[int, int], latest: Mapping[int, int]) -> dict[int, int]:
    """The same, of every partition and within what the broker keeps.

    Raises:
        WrongOffsets: a partition is missing or there is none of that number, or an offset is not kept, or not there.
    """
    if chosen.keys() != latest.keys():
        there = sorted(latest)
        raise WrongOffsets(
            f"offsets are given for partitions {sorted(chosen)}, and there are {there}: name each of them"
        )
    for partition, offset in sorted(chosen.items()):
        first, last = earliest[partition], latest[partition]
        if not first <= offset <= last:
            raise WrongOffsets(f"partition {partition} can be read from offset {first} to {last}, not from {offset}")
    return dict(chosen)
