"""What one record has at a place, and whether two values are the same.

Belongs here: the slow and plain way, which columns are held against. Does not belong here: columns.
"""

from typing import Any

from spark_jobs.decoding.columns.places import Place


def at(document: Any, place: Place) -> Any:
    """What is at a place; None where nothing is."""
    for name in place:
        if document is None:
            return None
        assert isinstance(document, dict), f"{document!r} has no {name}"
        document = document.get(name)
    return document


def exactly(value: Any) -> tuple[type, str]:
    """A value with its type, so that 1 is neither true nor 1.0."""
    return type(value), str(value)
