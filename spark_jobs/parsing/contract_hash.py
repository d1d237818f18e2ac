"""Which contract a record was judged by: a hash of its rules and its lists, computed, so that any mending changes it.

Belongs here: the hash and what it is made of. Does not belong here: the lists (contract), keeping versions (warehouse),
judging by them (validation). Pure text.

The rules are what cannot be taken back: the fields, the limits, and the rules' own text. The lists are data: a record
can be judged by older ones, as long as the rules are the same.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

from spark_jobs.contract.code_lists import CodeLists, lists_of_now
from spark_jobs.contract.payment_event import (
    FIELDS,
    MAX_NESTING,
    MAX_VALUE_BYTES,
    SCHEMA_VERSION,
    Reason,
    UnreadableLabels,
)
from spark_jobs.parsing.validation_rules import FINE_QUERY, OTHER_QUERY

HASH_DIGITS = 16


@dataclass(frozen=True)
class Contract:
    """A contract: the hash of its rules, and its lists."""

    rules: str
    lists: CodeLists

    @cached_property
    def version(self) -> str:
        """What a batch's ledger row says of it."""
        return _hash(self.rules, self.lists.to_json())


def contract_of_now(unreadable_labels: UnreadableLabels = UnreadableLabels.NULL) -> Contract:
    """The contract of this code, under the setting."""
    fields = [[f.name, f.required, f.pattern, f.bigquery_type, bool(f.values)] for f in FIELDS]
    limits = [SCHEMA_VERSION, MAX_VALUE_BYTES, MAX_NESTING, list(Reason)]
    return Contract(_hash(json.dumps([fields, limits]), FINE_QUERY, OTHER_QUERY), lists_of_now(unreadable_labels))


def _hash(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:HASH_DIGITS]
