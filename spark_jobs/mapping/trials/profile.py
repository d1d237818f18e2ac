"""What was seen of each path of a sample: types, how often, and examples that give nothing away.

Belongs here: walking documents, counting, redacting. Does not belong here: what the paths mean (drafting). Pure.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from spark_jobs.contract.payment_event import MAX_NESTING

MOST_PATHS = 500
MOST_VALUES = 200
"""Distinct values that are kept of a path. With more, it is enough to know that there are more."""

MOST_WORDS = 12
_SHOWN = 24
_SURROGATE = re.compile("[\ud800-\udfff]")
"""What JSON may escape and UTF-8 cannot hold."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
"""What no comment of TOML may have: a line would go on as the next."""
_BARE = re.compile(r"""[^\s.\[\]()"'+,=]+""")
_WORD = re.compile(r"[A-Za-z][A-Za-z_.-]{0,39}")
_ENUMERATION = re.compile(
    r"(type|status|event|(?<!pass)code|currency|method|(^|_)op|kind|state|mode|brand|scheme|channel|country|success|"
    r"resource|category|ccy|result|action|object|entity|live|livemode|captured|paid)$",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Seen:
    """A path, as the mapping writes it, and what was seen there in `documents` of them."""

    path: str
    name: str
    parent: str
    types: Counter[str] = field(default_factory=Counter)
    documents: int = 0
    values: Counter[Any] = field(default_factory=Counter)
    longest_list: int = 0

    @property
    def is_scalar(self) -> bool:
        """Whether it is never an object or a list, and not always null."""
        kinds = self.types.keys() - {"null"}
        return bool(kinds) and not kinds & {"object", "list"}

    @property
    def texts(self) -> list[str]:
        """The distinct values as texts."""
        return [str(value) for value in self.values]

    @property
    def is_distinct(self) -> bool:
        """Whether no value came twice."""
        return len(self.values) == sum(self.values.values())

    def share(self, documents: int) -> float:
        """In how much of the sample it is there, and not null."""
        return self.documents / documents if documents else 0.0

    def words(self) -> list[str]:
        """The values themselves, most frequent first, where the path's name says that they are a list of words."""
        if not _ENUMERATION.search(self.name) or len(self.values) > MOST_WORDS:
            return []
        found = [("true" if v else "false") if isinstance(v, bool) else str(v) for v, _ in self.values.most_common()]
        return found if all(_WORD.fullmatch(word) for word in found) else []

    def example(self) -> str:
        """A value without what it says: letters are a or A, digits are 9."""
        if words := self.words():
            return ", ".join(words[:4])
        shapes = [shape(str(value)) for value in list(self.values)[:2]]
        return ", ".join(dict.fromkeys(shapes))


def shape(text: str) -> str:
    """A text with its letters and digits replaced, cut to a few."""
    cut = _CONTROL.sub(" ", _SURROGATE.sub("?", text[:_SHOWN]))
    hidden = re.sub(r"[^\W\d_]", lambda m: "A" if m[0].isupper() else "a", cut)
    return re.sub(r"\d", "9", hidden) + ("..." if len(text) > _SHOWN else "")


def profile(documents: Iterable[Any]) -> list[Seen]:
    """Every path of the documents, in the order in which it was met; the first MOST_PATHS of them."""
    seen: dict[str, Seen] = {}
    for document in documents:
        if isinstance(document, dict):
            for path in set(_walk(document, "", seen, 1)):
                seen[path].documents += 1
    return list(seen.values())


def _walk(node: dict[str, Any], parent: str, seen: dict[str, Seen], depth: int) -> Iterable[str]:
    for name, value in node.items():
        yield from _visit(_joined(parent, name), name, parent, value, seen, depth)


def _visit(path: str, name: str, parent: str, value: Any, seen: dict[str, Seen], depth: int) -> Iterable[str]:
    if path not in seen:
        if len(seen) == MOST_PATHS:
            return
        seen[path] = Seen(path, name, parent)
    here = seen[path]
    here.types[_kind(value)] += 1
    if value is None:
        return
    yield path
    if depth > MAX_NESTING:
        return
    if isinstance(value, dict):
        yield from _walk(value, path, seen, depth + 1)
    elif isinstance(value, list):
        here.longest_list = max(here.longest_list, len(value))
        for element in value[:1]:
            yield from _visit(f"{path}[only]", name, path, element, seen, depth + 1)
    elif value in here.values or len(here.values) < MOST_VALUES:
        here.values[value] += 1


def _joined(parent: str, name: str) -> str:
    name = _SURROGATE.sub("?", name)
    if _BARE.fullmatch(name):
        return f"{parent}.{name}" if parent else name
    quote = "'" if "'" not in name else '"'
    return f"{parent}[{quote}{name}{quote}]"


def _kind(value: Any) -> str:
    kinds = {dict: "object", list: "list", str: "text", bool: "true or false", int: "whole number"}
    return "null" if value is None else "number" if isinstance(value, Decimal) else kinds.get(type(value), "bytes")
