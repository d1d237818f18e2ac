"""What another mapping would change, on a sample of records: in records, in fields and in money.

Belongs here: comparing two outcomes of each record. Does not belong here: the outcomes (outcomes), printing. Pure.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from spark_jobs.contract.iso_codes import MINOR_UNITS
from spark_jobs.contract.payment_event import MOVES_NOTHING, PaymentKind
from spark_jobs.mapping.spec import Mapping
from spark_jobs.mapping.trials.outcomes import KafkaRecord, Outcome, outcomes_of

MOST_PLACES = 3
"""How many records are named for each change."""


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of some records: by the old mapping, by the new one, how many, and where a few of them are."""

    old: str
    new: str
    count: int
    places: tuple[str, ...]

    @property
    def is_none(self) -> bool:
        """Whether both say the same."""
        return self.old == self.new


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field of which so many payments have another text."""

    name: str
    count: int
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Money:
    """The events of one currency that move money, each id once, and what they come to in its minor unit.

    A payment adds its amount; a refund, a reversal, a chargeback or a fee takes it away, as in `payment_flows`.
    """

    currency: str
    old_count: int
    new_count: int
    old_minor: int
    new_minor: int

    @property
    def old(self) -> str:
        """The money by the old mapping, in the currency's major unit."""
        return self._major(self.old_minor)

    @property
    def new(self) -> str:
        """The money by the new mapping."""
        return self._major(self.new_minor)

    @property
    def difference(self) -> str:
        """What the new mapping has more."""
        return self._major(self.new_minor - self.old_minor)

    def _major(self, minor: int) -> str:
        return f"{Decimal(minor).scaleb(-MINOR_UNITS[self.currency]):,f}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two mappings on the same records.

    `outcomes` are the records by what becomes of them, also those that do not change; `fields` are the fields in which
    payments by both differ; `money` is by currency.
    """

    records: int
    outcomes: tuple[Change, ...]
    fields: tuple[FieldChange, ...]
    money: tuple[Money, ...]

    @property
    def is_same(self) -> bool:
        """Whether the new mapping changes nothing on these records."""
        return all(change.is_none for change in self.outcomes) and not self.fields


def compare(old: Mapping | None, new: Mapping | None, records: Sequence[KafkaRecord]) -> Comparison:
    """What `new` says of the records where `old` said something else; None is the contract without a mapping."""
    before, after = outcomes_of(old, records), outcomes_of(new, records)
    outcomes: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    fields: defaultdict[str, list[str]] = defaultdict(list)
    for record, was, now in zip(records, before, after, strict=True):
        outcomes[was.word, now.word].append(record.place)
        if was.row is not None and now.row is not None:
            for name in {**was.row, **now.row}:
                if was.row.get(name) != now.row.get(name):
                    fields[name].append(record.place)
    return Comparison(
        len(records),
        tuple(Change(*words, len(places), tuple(places[:MOST_PLACES])) for words, places in sorted(outcomes.items())),
        tuple(FieldChange(name, len(places), tuple(places[:MOST_PLACES])) for name, places in sorted(fields.items())),
        _money(before, after),
    )


def _money(before: Sequence[Outcome], after: Sequence[Outcome]) -> tuple[Money, ...]:
    old, new = _by_currency(before), _by_currency(after)
    empty: tuple[int, int] = (0, 0)
    found = []
    for currency in sorted({*old, *new}):
        old_count, old_minor = old.get(currency, empty)
        new_count, new_minor = new.get(currency, empty)
        found.append(Money(currency, old_count, new_count, old_minor, new_minor))
    return tuple(found)


def _by_currency(outcomes: Sequence[Outcome]) -> dict[str, tuple[int, int]]:
    """Events that move money, and what they come to, by currency. Of two with the same id the first counts."""
    seen: set[str] = set()
    counts: Counter[str] = Counter()
    minors: Counter[str] = Counter()
    for outcome in outcomes:
        if outcome.row is not None and outcome.row["transaction_id"] not in seen:
            seen.add(outcome.row["transaction_id"])
            if outcome.row.get("status") in MOVES_NOTHING:
                continue
            sign = 1 if outcome.row.get("kind", PaymentKind.PAYMENT) == PaymentKind.PAYMENT else -1
            counts[outcome.row["currency"]] += 1
            minors[outcome.row["currency"]] += sign * outcome.amount_minor
    return {currency: (count, minors[currency]) for currency, count in counts.items()}
