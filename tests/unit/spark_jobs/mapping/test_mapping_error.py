"""Where a key stands in a file."""

from spark_jobs.mapping.mapping_error import Finding, Findings, MappingError, kind_of, located

TEXT = """\
mapping = 1

[[ignore]]
rule = "a"

[[ignore]]
rule = "b"

[fields]
amount = { from = "a", unit = "b" }
"odd name".x = 1

[fields.event_time] # when
from = "at"
"""


def line(*keys: str | int) -> int | None:
    return located([Finding(keys, "is wrong")], TEXT)[0].line


def test_a_key_is_found_on_its_line_or_that_of_its_table() -> None:
    assert line("mapping") == 1
    assert line("ignore", 0, "rule") == 4
    assert line("ignore", 1, "rule") == 7
    assert line("ignore", 1, "path") == 6
    assert line("fields", "amount", "unit") == 10
    assert line("fields", "odd name", "x") == 11
    assert line("fields", "event_time", "from") == 14
    assert line("fields", "event_time", "zone") == 13
    assert line("nowhere") is None


def test_findings_are_told_in_the_order_of_the_lines_and_lists_are_counted_from_one() -> None:
    findings = located([Finding(("fields",), "second"), Finding(("ignore", 0), "first"), Finding((), "whole")], TEXT)
    assert [str(finding) for finding in findings] == ["whole", "line 3, ignore[1]: first", "line 9, fields: second"]


def test_an_error_names_its_file() -> None:
    assert str(MappingError("a.toml", [Finding(("x",), "is wrong", 3)])) == "a.toml: line 3, x: is wrong"


def test_halves_of_characters_are_no_text() -> None:
    findings = Findings()
    assert findings.text((), {"a": "\ud800"}, "a") is None
    assert findings.text((), {"a": "é"}, "a") == "é"
    assert len(findings.found) == 1
    assert kind_of(1.5) == "a number with a fraction"
