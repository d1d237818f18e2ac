"""Which contract a record was judged by: a hash of rules, lists and mapping, so that any mending changes it.

Belongs here: the hash and what it is made of, and the contracts that the warehouse keeps, from their rows. Does not
belong here: the lists (contract), the mapping (mapping), keeping versions (sinks), judging by them (parsing). Pure, but
for the one reading of the mapping's file.

The rules are what cannot be taken back: the fields, the limits, and the rules' own text. The lists and the mapping are
data: a record can be judged by older ones, as long as the rules are the same.
"""

import hashlib
import json
from collections.abc import Mapping as ByName
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

from spark_jobs.contract.code_lists import CodeLists, lists_of_now
from spark_jobs.contract.payment_event import (
    FIELDS,
    MAX_NESTING,
    MAX_VALUE_BYTES,
    SCHEMA_VERSIONS,
    Reason,
    UnreadableLabels,
)
from spark_jobs.decoding.registry import read_access
from spark_jobs.mapping.mapping_error import MappingError
from spark_jobs.mapping.spec import Mapping, read_mapping
from spark_jobs.parsing.validation_rules import FINE_QUERY, OTHER_QUERY
from spark_jobs.settings import JobSettings, SettingError
from spark_jobs.tables.row_types import ReadRow

HASH_DIGITS = 16

OF_OTHER_EVENTS = frozenset(
    {
        Reason.UNKNOWN_SCHEMA,
        Reason.UNDECODABLE,
        Reason.UNDECIDED_RULE,
        Reason.MORE_THAN_ONE,
        Reason.UNMAPPED_VALUE,
        Reason.UNKNOWN_MINOR_UNIT,
    }
)
"""Reasons that only decoding and mapping give: no event of the contract's own form has one."""


@dataclass(frozen=True)
class Contract:
    """A contract: the hash of its rules, its lists, and the mapping; None where the events are the contract's own."""

    rules: str
    lists: CodeLists
    mapping: Mapping | None = None

    @cached_property
    def version(self) -> str:
        """What a batch's ledger row says of it."""
        mapped = () if self.mapping is None else (self.mapping.to_json(),)
        return _hash(self.rules, self.lists.to_json(), *mapped)


def contract_of_now(
    unreadable_labels: UnreadableLabels = UnreadableLabels.NULL, mapping: Mapping | None = None
) -> Contract:
    """The contract of this code, under the setting and with that mapping."""
    fields = [
        [f.name, f.json_name, f.since, f.required, f.required_since, f.pattern, f.bigquery_type, bool(f.values)]
        for f in FIELDS
    ]
    limits = [
        SCHEMA_VERSIONS,
        MAX_VALUE_BYTES,
        MAX_NESTING,
        [reason for reason in Reason if reason not in OF_OTHER_EVENTS],
    ]
    return Contract(
        _hash(json.dumps([fields, limits]), FINE_QUERY, OTHER_QUERY), lists_of_now(unreadable_labels), mapping
    )


def contract_in_use(settings: JobSettings) -> Contract:
    """The contract of this code with the mapping that the settings name, as its file is now.

    Raises:
        SettingError: the file cannot be read, or is no mapping; or its records need a registry, and none is set.
    """
    path = settings.event_mapping
    labels = UnreadableLabels(settings.unreadable_labels)
    try:
        mapping = read_mapping(Path(path).read_text(), path) if path else None
    except (OSError, UnicodeDecodeError, MappingError) as error:
        raise SettingError(f"PAYMENTS_EVENT_MAPPING: {error}") from None
    if mapping and mapping.format.needs_a_registry:
        read_access()
    return contract_of_now(labels, mapping)


@lru_cache(maxsize=16)
def mapping_of(text: str) -> Mapping:
    """The mapping that `to_json` wrote: a worker makes it once."""
    return Mapping.from_json(text)


def contract_in(row: ReadRow) -> Contract:
    """The contract that a row of contract_versions keeps.

    Raises:
        MappingError: its mapping is in a language that this code does not know.
    """
    mapping = row.get("mapping")
    lists = CodeLists.from_json(row["code_lists"])
    return Contract(row["rules_hash"], lists, None if mapping is None else mapping_of(mapping))


def judged_again_by(kept: Contract | None, now: Contract) -> Contract:
    """By which contract a record of a batch is judged again.

    Args:
        kept: the contract of its batch; None where no version was recorded: there was no mapping either.
        now: the contract of this code.
    """
    if kept is None:
        return replace(now, mapping=None)
    return kept if kept.rules == now.rules else replace(now, mapping=kept.mapping)


def row_of(contract: Contract) -> ByName[str, str | None]:
    """The contract as a row of contract_versions, but for when it was first used."""
    mapping = contract.mapping
    return {
        "contract_version": contract.version,
        "rules_hash": contract.rules,
        "code_lists": contract.lists.to_json(),
        "mapping_version": mapping.version if mapping else None,
        "mapping_hash": mapping.hash if mapping else None,
        "mapping": mapping.to_json() if mapping else None,
    }


def _hash(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:HASH_DIGITS]
