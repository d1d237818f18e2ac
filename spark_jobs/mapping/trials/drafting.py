"""A first mapping from a sample of records, with what was seen of each path.

Belongs here: the format, the draft's text, which shipped mapping fits. Does not belong here: walking documents
(profile), which path is which field (guesses), reading files and topics. Pure.

What cannot be guessed is a comment, so that `check` names it: a draft never fills anything in by itself.
"""

import re
from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spark_jobs.contract.payment_event import FIELDS, V1_FIELDS, Field
from spark_jobs.decoding.documents import decode
from spark_jobs.decoding.registered import is_framed
from spark_jobs.decoding.results import Format
from spark_jobs.mapping.spec import LANGUAGE, Mapping
from spark_jobs.mapping.trials.guesses import Guess, guess
from spark_jobs.mapping.trials.outcomes import KafkaRecord, outcomes_of
from spark_jobs.mapping.trials.profile import Seen, profile

_FITS = 0.9
_RULES = 3
_CHANGE = {"op", "__op"}


@dataclass(frozen=True, slots=True)
class Draft:
    """A mapping's text, what was seen, the fields that are open, and in how many documents."""

    text: str
    paths: tuple[Seen, ...]
    open_fields: tuple[str, ...]
    documents: int
    unreadable: int
    format: Format


def draft(records: Sequence[KafkaRecord]) -> Draft:
    """The draft for a sample of records."""
    form = format_of(records)
    decoded = decode([record.value for record in records], [r.key for r in records], [r.headers for r in records], form)
    documents = [document for document in decoded if isinstance(document, dict)]
    paths = profile(documents)
    amount = guess("amount", paths, len(documents))
    near = amount.seen if amount else None
    guesses = {f.name: guess(f.name, paths, len(documents), near) if f in V1_FIELDS else None for f in FIELDS}
    _keep_apart(guesses, paths, len(documents), near)
    missing = tuple(field.name for field in FIELDS if field.required and guesses[field.name] is None)
    lines = [
        f"# A draft from {len(documents)} records. Above each line stands what was seen: change what is wrong.",
        f"mapping = {LANGUAGE}",
        'version = "draft"',
        f'format = "{form}"',
        "",
        *_rule_lines(paths, len(documents)),
        "[fields]",
        *_field_lines(guesses, len(documents)),
    ]
    text = "\n".join(lines) + "\n"
    return Draft(text, tuple(paths), missing, len(documents), len(records) - len(documents), form)


def format_of(records: Sequence[KafkaRecord]) -> Format:
    """How the records are written, by their first bytes, their headers and their outermost names."""
    values = [record.value for record in records if record.value]
    if values and all(is_framed(value) for value in values):
        return Format.AVRO
    headers = {name for record in records for name, _ in record.headers}
    decoded = decode([record.value for record in records], None, None, Format.JSON)
    documents = [document for document in decoded if isinstance(document, dict)]
    if "ce_specversion" in headers or (documents and all("specversion" in d and "type" in d for d in documents)):
        return Format.CLOUDEVENTS
    if documents and all(_is_change(document) for document in documents):
        return Format.DEBEZIUM
    return Format.JSON


def fitting(mappings: Table[str, Mapping], records: Sequence[KafkaRecord]) -> str | None:
    """The name of the mapping that reads nearly all of the records, and of them the one with most payments."""
    best: tuple[int, str] | None = None
    for name, mapping in sorted(mappings.items()):
        outcomes = outcomes_of(mapping, records)
        payments = sum(outcome.row is not None for outcome in outcomes)
        read = payments + sum(outcome.ignored is not None for outcome in outcomes)
        if payments and read >= _FITS * len(records) and (best is None or payments > best[0]):
            best = (payments, name)
    return best[1] if best else None


def _is_change(document: dict[str, Any]) -> bool:
    inner = document.get("payload", document)
    return isinstance(inner, dict) and bool(_CHANGE & inner.keys()) and bool({"after", "before", "__op"} & inner.keys())


def _keep_apart(guesses: dict[str, Guess | None], paths: list[Seen], documents: int, near: Seen | None) -> None:
    """No path is two fields: who is paid is looked for among what is left."""
    taken: set[str] = set()
    for name in ("amount", "currency", "event_time", "transaction_id", "sender_account_id", "receiver_account_id"):
        found = guesses[name]
        if found is not None and found.seen.path in taken:
            left = [seen for seen in paths if seen.path not in taken]
            guesses[name] = found = guess(name, left, documents, near)
        if found is not None:
            taken.add(found.seen.path)


def _rule_lines(paths: list[Seen], documents: int) -> list[str]:
    """Paths that may tell what is no payment, as comments: only a person knows which of the values are payments."""
    words = [seen for seen in paths if seen.name.lower() in _TELLING and len(seen.words()) > 1]
    lines = []
    for seen in sorted(words, key=lambda each: (each.path.count("."), -each.share(documents)))[:_RULES]:
        counts = ", ".join(f"{word} {count}" for word, count in zip(seen.words(), _counts(seen), strict=True))
        lines += [
            f"# Are all of these payments? {seen.path}: {counts}",
            "# [[ignore]]",
            f'# rule = "other-{_rule_name(seen)}"',
            f'# path = "{seen.path}"',
            f"# not_in = [{', '.join(_toml(value) for value in list(seen.values)[:1])}]",
            "",
        ]
    return lines


def _rule_name(seen: Seen) -> str:
    return re.sub("[^a-z0-9]+", "-", seen.path.lower())[-40:].strip("-")


_TELLING = {"type", "event", "event_type", "eventtype", "eventcode", "status", "state", "resource", "action", "object"}


def _counts(seen: Seen) -> list[int]:
    return [count for _, count in seen.values.most_common()]


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int) else f'"{value}"'


def _field_lines(guesses: dict[str, Guess | None], documents: int) -> list[str]:
    lines = []
    for field in FIELDS:
        found = guesses[field.name]
        if found is None:
            lines += _open(field)
        else:
            settings = ", ".join(f"{key} = {value}" for key, value in found.settings)
            seen = found.seen
            types = "/".join(sorted(seen.types.keys() - {"null"}))
            lines.append(f"# {seen.share(documents):.0%}, {types}, such as {seen.example()}")
            if found.doubt:
                lines.append(f"# {found.doubt}")
            is_open = found.doubt.startswith("map its values") or (not field.required and found.score < _SURE)
            lines.append(f"{'# ' if is_open else ''}{field.name} = {{ {settings} }}")
    return lines


_SURE = 2.5


def _open(field: Field) -> list[str]:
    if not field.required:
        return [f'# {field.json_name} = "..."']
    return [f"# Nothing was found for {field.name}. {field.description}", f'# {field.name} = "..."']
