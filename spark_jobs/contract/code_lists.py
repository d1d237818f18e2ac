"""The closed lists that a payment's codes are held against, as one value: those of now, or those of an older contract.

Belongs here: the lists and how they are written down. Does not belong here: the codes themselves (iso_codes), holding
a record against them (parsing).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from spark_jobs.contract.currencies import MINOR_UNITS, PERIODS
from spark_jobs.contract.payment_event import FIELDS, UnreadableLabels

CURRENCY = "currency"


@dataclass(frozen=True)
class CodeLists:
    """`minor_units` are the currencies with their decimals; `values` the codes of every other field that has a list.

    `periods` are the first day of a currency and the first day after it (YYYY-MM-DD, or empty), where it has such days.
    `unreadable_labels` says what becomes of a payment whose label breaks its rule.
    """

    minor_units: Mapping[str, int]
    values: Mapping[str, tuple[str, ...]]
    periods: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    unreadable_labels: UnreadableLabels = UnreadableLabels.HOLD

    def of(self, field: str) -> tuple[str, ...]:
        """The codes that a field may have."""
        return tuple(sorted(self.minor_units)) if field == CURRENCY else self.values[field]

    def to_json(self) -> str:
        """The lists as one text: equal lists are equal texts. Lists of before a part of them came keep their text."""
        values = {name: sorted(codes) for name, codes in self.values.items()}
        lists: dict[str, object] = {"minor_units": dict(self.minor_units), "values": values}
        if self.periods:
            lists["periods"] = {code: list(period) for code, period in self.periods.items()}
        if self.unreadable_labels != UnreadableLabels.HOLD:
            lists["unreadable_labels"] = self.unreadable_labels
        return json.dumps(lists, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "CodeLists":
        """The lists that `to_json` wrote."""
        reported = json.loads(text)
        periods = {code: (start, end) for code, (start, end) in reported.get("periods", {}).items()}
        values = {name: tuple(codes) for name, codes in reported["values"].items()}
        labels = UnreadableLabels(reported.get("unreadable_labels", UnreadableLabels.HOLD))
        return cls(reported["minor_units"], values, periods, labels)


def lists_of_now(unreadable_labels: UnreadableLabels = UnreadableLabels.NULL) -> CodeLists:
    """The lists of this code, under the setting."""
    return CodeLists(
        MINOR_UNITS, {f.name: f.values for f in FIELDS if f.values and f.name != CURRENCY}, PERIODS, unreadable_labels
    )
