"""What a row is in Python, and the place of a record in Kafka.

Belongs here: these aliases. Does not belong here: which columns a row has (catalog).
"""

from collections.abc import Mapping
from typing import Any

type Row = dict[str, Any]
"""A row by column name, as a query gives it."""

type ReadRow = Mapping[str, Any]
"""The same for a function that only reads it."""

type Place = tuple[int, int]
"""Partition and offset, within one topic."""

type TopicPlace = tuple[str, int, int]
"""Topic, partition and offset."""
