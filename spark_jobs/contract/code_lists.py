"""The closed lists that a payment's codes are held against, as one value: those of now, or those of an older contract.

Belongs here: the lists and how they are written down. Does not belong here: the codes themselves (iso_codes), holding
a record against them (parsing).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from spark_jobs.contract.iso_codes import MINOR_UNITS
from spark_jobs.contract.payment_event import FIELDS

CURRENCY = "currency"


@dataclass(frozen=True)
class CodeLists:
    """`minor_units` are the currencies with their decimals; `values` the codes of every other field that has a list."""

    minor_units: Mapping[str, int]
    values: Mapping[str, tuple[str, ...]]

    def of(self, field: str) -> tuple[str, ...]:
        """The codes that a field may have."""
        return tuple(sorted(self.minor_units)) if field == CURRENCY else self.values[field]

    def to_json(self) -> str:
        """The lists as one text: equal lists are equal texts."""
        values = {name: sorted(codes) for name, codes in self.values.items()}
        return json.dumps({"minor_units": dict(self.minor_units), "values": values}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "CodeLists":
        """The lists that `to_json` wrote."""
        reported = json.loads(text)
        return cls(reported["minor_units"], {name: tuple(codes) for name, codes in reported["values"].items()})


def lists_of_now() -> CodeLists:
    """The lists of this code."""
    return CodeLists(
        MINOR_UNITS, {field.name: field.values for field in FIELDS if field.values and field.name != CURRENCY}
    )
