"""Which path of a sample may be which field of the contract, each guess with what speaks for it.

Belongs here: names and values that tell a field. Does not belong here: what was seen (profile), writing the draft
(drafting). Pure. A guess is shown to a person and is checked by samples: it never becomes a mapping by itself.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from spark_jobs.contract.iso_codes import COUNTRIES, MINOR_UNITS
from spark_jobs.contract.payment_event import ID_PATTERN, IPV4_PATTERN, MERCHANT_CATEGORY_PATTERN
from spark_jobs.mapping.event_times import ISO_8601, LOCAL, RFC_3339, pattern_of
from spark_jobs.mapping.trials.profile import Seen

_RFC_3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_EPOCHS = {"epoch_s": (9, 10), "epoch_ms": (12, 13), "epoch_us": (15, 16), "epoch_ns": (18, 19)}
"""By the digits of a time between 2001 and 2286."""

_NAMES = {
    "transaction_id": r"(transaction|payment|charge|tx|psp)[_-]?(id|ref(erence)?)$|uetr$|^id$|idempotency",
    "event_time": r"(created|updated|paid|captured|completed|event|transaction|booking)[_-]?(at|time|date|on)?$|^time"
    r"(stamp)?$|^ts(_ms)?$|dttm$|date$",
    "sender_account_id": r"payer|sender|debtor|dbtr|customer|buyer|shopper|consumer|user|from|source_account",
    "receiver_account_id": r"payee|receiver|creditor|cdtr|merchant|seller|recipient|beneficiary|shop|store|to_|profile|"
    r"location|^account(_id)?$",
    "amount": r"amount|value|total|gross|sum|price|amt",
    "currency": r"currency|ccy|^cur",
    "country": r"country|ctry",
    "device_id": r"device.?(id|fingerprint)|fingerprint",
    "device_type": r"device.?(type|kind)|platform|channel",
    "ip_address": r"ip",
    "payment_method": r"method|payment_?type|source_type|instrument",
    "merchant_category": r"mcc|merchant_?category",
}
_NOT_THE_AMOUNT = re.compile(
    "fee|tax|refund|net|tip|discount|remaining|due|balance|settle|count|version", re.IGNORECASE
)


_UNITS = {
    "micros": re.compile(r"(^|[^A-Za-z])micros?(?![A-Za-z])|(?<=[a-z0-9])Micros?(?![a-z])"),
    "cents": re.compile(r"(^|[^A-Za-z])cents?(?![A-Za-z])|(?<=[a-z0-9])Cents?(?![a-z])"),
}
"""Words of a name that say the unit: amount_cents and amountInCents, and not recent_amount."""

_WHICH_UNIT = 'whole numbers: "minor" (1999 is 19.99 EUR) or "major" (1999 is 1,999 EUR)? Only the sender knows'


@dataclass(frozen=True, slots=True)
class Guess:
    """A path for a field: the lines that the draft has, and how sure it is (more is better)."""

    seen: Seen
    score: float
    settings: tuple[tuple[str, str], ...]
    doubt: str = ""


def guess(field: str, paths: Sequence[Seen], documents: int, near: Seen | None = None) -> Guess | None:
    """The best path for a field; None where nothing speaks for any.

    Args:
        field: of the contract.
        paths: what was seen.
        documents: in how many documents.
        near: the path of the amount: what belongs to a payment lies beside it.
    """
    judge = _JUDGES.get(field, _by_name)
    found = []
    for seen in paths:
        if not seen.is_scalar or not seen.values:
            continue
        named = _named(field, seen)
        settings = judge(field, seen, named)
        if settings is not None:
            score = named + 2 * seen.share(documents) + _closeness(seen, near) - _distance(seen)
            found.append(Guess(seen, score + settings[1], settings[0], settings[2]))
    return max(found, key=lambda each: each.score, default=None)


def _named(field: str, seen: Seen) -> float:
    """2 where its own name speaks for the field, 1.5 where the name of the object does whose id or value it is."""
    pattern = re.compile(_NAMES.get(field, f"^{field}$"), re.IGNORECASE)
    if pattern.search(seen.name):
        return 2.0
    inner = re.fullmatch(r"id|iban|#text|\$t|value|code|number|account|id_?number", seen.name, re.IGNORECASE)
    return 1.5 if inner and field != "transaction_id" and pattern.search(seen.parent) else 0.0


type Judged = tuple[tuple[tuple[str, str], ...], float, str] | None


def _closeness(seen: Seen, near: Seen | None) -> float:
    if near is None:
        return 0.0
    if seen.parent == near.parent:
        return 1.0
    return 0.7 if near.parent.startswith(seen.parent) else 0.0


def _distance(seen: Seen) -> float:
    """How far it is from the top; what a connector adds beside the row is far from it."""
    return 0.1 * seen.path.count(".") + (2 if seen.path.startswith("__") else 0)


def _from(expression: str, *settings: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    # Each escape of JSON is one of TOML.
    return (("from", json.dumps(expression, ensure_ascii=False)), *settings)


def _id(field: str, seen: Seen, named: float) -> Judged:
    kinds = seen.types.keys() - {"null"}
    if not named and not (field == "transaction_id" and seen.name.lower().endswith("id")):
        return None
    if kinds - {"text", "whole number"} or any(len(text) > 200 for text in seen.texts):
        return None
    bonus = 1.0 if field == "transaction_id" and seen.is_distinct and len(seen.values) > 1 else 0.0
    bonus += 0.5 if re.search("id$|ref|iban", seen.name, re.IGNORECASE) else -0.5
    if all(re.fullmatch(ID_PATTERN, text) for text in seen.texts):
        return _from(seen.path), bonus, ""
    if all(len(text) < 30 for text in seen.texts):
        return _from(f"escape({seen.path})"), bonus, "it has characters that ids have not, so it is escaped"
    return _from(f"hash({seen.path})"), bonus, "it is longer than an id may be, so it is hashed"


def _amount(_field: str, seen: Seen, named: float) -> Judged:
    kinds = seen.types.keys() - {"null"}
    if not named or kinds - {"text", "whole number", "number"} or _NOT_THE_AMOUNT.search(seen.path):
        return None
    if not all(_NUMBER.fullmatch(text) for text in seen.texts):
        return None
    bonus = 1.0 if re.search("amount|amt", seen.path, re.IGNORECASE) else 0.0
    for unit, word in _UNITS.items():
        if word.search(seen.name):
            return _from(seen.path, ("unit", f'"{unit}"')), bonus, f"its name says {unit}"
    if any("." in text for text in seen.texts) or kinds == {"number"}:
        return _from(seen.path, ("unit", '"major"')), bonus, "it has decimals, so it is in major units"
    return _from(seen.path, ("unit", '"?"')), bonus, _WHICH_UNIT


def _time(_field: str, seen: Seen, named: float) -> Judged:
    kinds = seen.types.keys() - {"null"}
    if kinds == {"text"}:
        if all(_RFC_3339.fullmatch(text) for text in seen.texts):
            return _from(seen.path, ("format", f'"{RFC_3339}"')), 1.0, ""
        for form, doubt in ((ISO_8601, ""), (LOCAL, "")):
            if all((match := pattern_of(form).fullmatch(text)) and _has_zone(match) for text in seen.texts):
                return _from(seen.path, ("format", f'"{form}"')), 0.8, doubt
        if all(pattern_of(LOCAL).fullmatch(text) for text in seen.texts):
            zone = (("format", f'"{LOCAL}"'), ("zone", '"?"'))
            return _from(seen.path, *zone), 0.5, "it names no zone: write the one that it is local to"
        return None
    if named and kinds <= {"whole number", "number"}:
        lengths = {len(text.partition(".")[0]) for text in seen.texts}
        for form, digits in _EPOCHS.items():
            if lengths <= set(digits):
                return _from(seen.path, ("format", f'"{form}"')), 0.8, ""
    return None


def _has_zone(match: re.Match[str]) -> bool:
    return bool(match.groupdict().get("offset"))


def _codes(codes: Sequence[str]) -> Callable[[str, Seen, float], Judged]:
    known = set(codes)

    def judge(_field: str, seen: Seen, named: float) -> Judged:
        texts = seen.texts
        if seen.types.keys() - {"text", "null"} or not named:
            return None
        if all(text in known for text in texts):
            return _from(seen.path), 1.0, ""
        if all(text.upper() in known for text in texts):
            return _from(f"upper({seen.path})"), 1.0, ""
        return None

    return judge


def _matching(pattern: str) -> Callable[[str, Seen, float], Judged]:
    def judge(_field: str, seen: Seen, named: float) -> Judged:
        if named and all(re.fullmatch(pattern, text) for text in seen.texts):
            return _from(seen.path), 0.0, ""
        return None

    return judge


def _by_name(_field: str, seen: Seen, named: float) -> Judged:
    """A list of words that the contract has others for: the person has to say which."""
    return (_from(seen.path), 0.0, "map its values: " + ", ".join(seen.words())) if named and seen.words() else None


_JUDGES: dict[str, Callable[[str, Seen, float], Judged]] = {
    "transaction_id": _id,
    "sender_account_id": _id,
    "receiver_account_id": _id,
    "device_id": _matching(ID_PATTERN),
    "amount": _amount,
    "event_time": _time,
    "currency": _codes(sorted(MINOR_UNITS)),
    "country": _codes(COUNTRIES),
    "ip_address": _matching(IPV4_PATTERN),
    "merchant_category": _matching(MERCHANT_CATEGORY_PATTERN),
}
