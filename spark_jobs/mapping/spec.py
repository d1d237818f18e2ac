"""The user's mapping file, read and checked: what each record of the topic means.

Belongs here: the file as a whole, its version and its hash. Does not belong here: one field's description
(field_specs), mapping records (apply), where the file lies. Pure.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping as Table
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from spark_jobs.contract.payment_event import FIELDS, V1_FIELDS
from spark_jobs.decoding.results import Format
from spark_jobs.mapping import rules as rules_module
from spark_jobs.mapping.expressions import Expression, is_constant
from spark_jobs.mapping.field_specs import ABSENT, FieldSpec, TextSpec, read_expression, read_field
from spark_jobs.mapping.mapping_error import Findings, Keys, MappingError, kind_of, located
from spark_jobs.mapping.rules import Question, Rule, Scalar

FILE_NAME = "payment_event.toml"
LANGUAGE = 1
"""The revision of the language; a file names it, so that a later one can be told apart."""

FORMATS = tuple(form.value for form in Format)
HASH_DIGITS = 16
MOST_RULES = 100

_NAMES = tuple(field.json_name for field in FIELDS)
_FIRST_NAMES = {field.name for field in V1_FIELDS}
"""What no further field may be called. Later names may: mappings are in use that call one so."""

_RULE_NAME = re.compile("[a-z][a-z0-9_-]{0,63}")
_EXTRA_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,128}")


@dataclass(frozen=True)
class Mapping:
    """What the records of a topic mean. Equal mappings have equal texts, and are equal.

    `version` is the user's own name for it; `format` is how the bytes are decoded; `fields` has every required field of
    the contract; `rules` say what is no payment; `extra` are further fields that are kept beside the payment.
    """

    canonical: str
    version: str
    format: Format
    fields: Table[str, FieldSpec]
    rules: tuple[Rule, ...]
    extra: Table[str, Expression]

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the text, 16 hexadecimal digits: comments and the order of keys do not change it."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()[:HASH_DIGITS]

    def to_json(self) -> str:
        """The mapping as one text, from which `from_json` makes an equal one."""
        return self.canonical

    @classmethod
    def from_json(cls, text: str) -> "Mapping":
        """The mapping that `to_json` wrote.

        Raises:
            MappingError: another language wrote it.
        """
        return _mapping(json.loads(text), "the mapping")

    def __hash__(self) -> int:
        return hash(self.canonical)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and self.canonical == other.canonical


def read_mapping(text: str, name: str = FILE_NAME) -> Mapping:
    """The mapping that a file describes.

    Args:
        text: the file's text, TOML.
        name: what the file is called in errors.

    Raises:
        MappingError: with everything that is wrong, each with its line.
    """
    findings = Findings()
    try:
        tables = tomllib.loads(text)
    except ValueError as error:
        findings.add((), f"is no TOML: {error}")
        raise MappingError(name, findings.found) from None
    except RecursionError:
        findings.add((), "is nested too deeply")
        raise MappingError(name, findings.found) from None
    return _mapping(tables, name, text)


def _mapping(tables: dict[str, Any], name: str, text: str | None = None) -> Mapping:
    """`text` is that of a file; a mapping that is kept has none: what records were judged by stays readable."""
    findings = Findings()
    _refuse_what_json_lacks(tables, (), findings)
    top = findings.table((), tables, ("mapping", "version", "format", "ignore", "fields", "extra"))
    if top.get("mapping") != LANGUAGE or type(top.get("mapping")) is not int:
        findings.add(("mapping",), f"must be {LANGUAGE}: the language that the file is written in")
    version = findings.text((), top, "version")
    if not version or len(version) > 64:
        findings.add(("version",), "is missing: your own name for this mapping, up to 64 characters, such as '1'")
    format_ = findings.choice((), top, "format", FORMATS, FORMATS[0])
    fields = _fields(top.get("fields"), findings)
    if text is not None:
        _refuse_a_lost_status(fields, findings)
    rules = _rules(top.get("ignore", []), findings)
    extra = _extra(top.get("extra", {}), findings)
    if findings.found:
        raise MappingError(name, located(findings.found, text or ""))
    canonical = json.dumps(tables, sort_keys=True, separators=(",", ":"))
    return Mapping(canonical, version or "", Format(format_), fields, rules, extra)


def _refuse_what_json_lacks(value: object, keys: Keys, findings: Findings) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_what_json_lacks(inner, (*keys, key), findings)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _refuse_what_json_lacks(inner, (*keys, index), findings)
    elif not isinstance(value, str | int):
        findings.add(keys, f"must be a text, a whole number, true or false, not {kind_of(value)}")


def _fields(value: object, findings: Findings) -> dict[str, FieldSpec]:
    table = findings.table(("fields",), {} if value is None else value, _NAMES)
    fields = {}
    for field in FIELDS:
        if field.json_name in table:
            spec = read_field(field, table[field.json_name], findings)
            if spec is not None:
                fields[field.name] = spec
        elif field.required:
            findings.add(("fields", field.name), f"is missing, and every payment needs it. {field.description}")
    ends = [fields.get(name) for name in ("sender_account_id", "receiver_account_id")]
    sources = [end.source for end in ends if isinstance(end, TextSpec)]
    if len(sources) == 2 and sources[0] == sources[1]:
        findings.add(("fields", "receiver_account_id"), "is the same as the sender, which no payment may have")
    key = fields.get("transaction_id")
    if isinstance(key, TextSpec) and is_constant(key.source):
        findings.add(("fields", "transaction_id"), "is the same for all records: all but one would be duplicates")
    return fields


def _refuse_a_lost_status(fields: Table[str, FieldSpec], findings: Findings) -> None:
    status = fields.get("status")
    if isinstance(status, TextSpec) and status.map is not None and status.otherwise == ABSENT:
        findings.add(("fields", "status", "otherwise"), "cannot be absent: without a status the money counts as moved")


def _rules(value: object, findings: Findings) -> tuple[Rule, ...]:
    if not isinstance(value, list) or len(value) > MOST_RULES:
        findings.add(("ignore",), f"must be up to {MOST_RULES} tables, each begun with [[ignore]]")
        return ()
    rules = [rule for index, table in enumerate(value) if (rule := _rule(("ignore", index), table, findings))]
    for index, rule in enumerate(rules):
        if rule.name in [earlier.name for earlier in rules[:index]]:
            findings.add(("ignore", index, "rule"), f"{rule.name!r} names two rules")
    return tuple(rules)


def _rule(keys: Keys, value: object, findings: Findings) -> Rule | None:
    table = findings.table(keys, value, ("rule", "path", *rules_module.TESTS, "all", "tombstone"))
    name = findings.text(keys, table, "rule")
    if not name or not _RULE_NAME.fullmatch(name):
        findings.add((*keys, "rule"), "must name the rule: small letters, digits, - and _, such as not-captured")
        return None
    if "tombstone" in table:
        if table["tombstone"] is not True or len(table) > 2:
            findings.add((*keys, "tombstone"), "must be true, and alone in its rule")
        return Rule(name, (), is_tombstone=True)
    if "all" not in table:
        test = _test(keys, {key: table[key] for key in table if key != "rule"}, findings)
        return Rule(name, (test,)) if test else None
    if len(table) > 2 or not isinstance(table["all"], list) or not table["all"]:
        findings.add((*keys, "all"), "must be a list of conditions, and without a condition beside it")
        return None
    tests = [_test((*keys, "all", index), each, findings) for index, each in enumerate(table["all"])]
    return Rule(name, tuple(filter(None, tests)))


def _test(keys: Keys, value: object, findings: Findings) -> Question | None:
    table = findings.table(keys, value, ("path", *rules_module.TESTS))
    given = [test for test in rules_module.TESTS if test in table]
    if "path" not in table or len(given) != 1:
        findings.add(keys, f"needs a path and one of {', '.join(rules_module.TESTS)}")
        return None
    path = read_expression(table["path"], (*keys, "path"), findings)
    against = _against(given[0], table[given[0]], (*keys, given[0]), findings)
    return Question(path, given[0], against) if path is not None and against else None


def _against(test: str, value: object, keys: Keys, findings: Findings) -> tuple[Scalar, ...]:
    if test in (rules_module.IN, rules_module.NOT_IN):
        if isinstance(value, list) and value and all(isinstance(each, str | int) for each in value):
            return tuple(value)
        findings.add(keys, "must be a list such as ['captured', 'settled']")
    elif test == rules_module.PRESENT:
        if isinstance(value, bool):
            return (value,)
        findings.add(keys, "must be true or false")
    elif test == rules_module.STARTS_WITH:
        if isinstance(value, str) and value:
            return (value,)
        findings.add(keys, "must be a text")
    elif isinstance(value, str | int):
        return (value,)
    else:
        findings.add(keys, f"must be a text, a whole number, true or false, not {kind_of(value)}")
    return ()


def _extra(value: object, findings: Findings) -> dict[str, Expression]:
    if not isinstance(value, dict):
        findings.add(("extra",), "must be a table of names and paths")
        return {}
    extra = {}
    for name, source in value.items():
        if name in _FIRST_NAMES:
            findings.add(("extra", name), "is a field of the contract: describe it in [fields]")
        elif not _EXTRA_NAME.fullmatch(name):
            findings.add(("extra", name), "is no name: up to 128 characters, none of them a control character")
        expression = read_expression(source, ("extra", name), findings)
        if expression is not None:
            extra[name] = expression
    return extra
