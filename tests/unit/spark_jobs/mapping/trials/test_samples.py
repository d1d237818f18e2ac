"""Samples with expected outcomes, our own and those of the shipped mappings."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from spark_jobs.mapping.spec import FILE_NAME as MAPPING_FILE
from spark_jobs.mapping.spec import read_mapping
from spark_jobs.mapping.trials.samples import FILE_NAME, SampleError, judge, read_samples
from tests.unit.spark_jobs.mapping.mappings import DOCUMENT, GOOD, PAYMENT, SHIPPED

ROW = PAYMENT | {"extra_fields": {"shop": {"name": "Café"}}}


def line(**parts: Any) -> str:
    return json.dumps({"name": "a sample", "value": DOCUMENT, "expect": {"row": ROW}} | parts)


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_each_shipped_mapping_does_what_its_samples_say(folder: Path) -> None:
    mapping = read_mapping((folder / MAPPING_FILE).read_text())
    verdicts = judge(mapping, read_samples((folder / FILE_NAME).read_text()))
    assert [verdict.differences() for verdict in verdicts if not verdict.is_good] == []
    outcomes = [verdict.outcome for verdict in verdicts]
    assert sum(outcome.row is not None for outcome in outcomes) >= 2
    assert any(outcome.reasons for outcome in outcomes)
    # Each rule has a record that it is for.
    assert {rule.name for rule in mapping.rules} <= {outcome.ignored for outcome in outcomes}


def test_a_sample_is_held_against_what_is_expected() -> None:
    lines = [
        line(),
        line(expect={"row": ROW | {"amount": "20"}}),
        line(expect={"ignored": "not-paid"}),
        line(value={"status": "open"}, expect={"ignored": "not-paid"}),
        line(value=None, key="p_1", expect={"reasons": ["TOMBSTONE"]}),
        "",
    ]
    verdicts = judge(read_mapping(GOOD), read_samples("\n".join(lines)))
    assert [verdict.is_good for verdict in verdicts] == [True, False, False, True, True]
    assert verdicts[1].differences() == ["amount: expected '20', got '19.99'"]
    assert verdicts[2].differences() == ["expected ignored: not-paid", "got payment"]


def test_a_text_may_have_what_elsewhere_ends_a_line() -> None:
    name = "a\u2028b\x85c"
    samples = read_samples(f"{line(name='first')}\r\n" + json.dumps(json.loads(line(name=name)), ensure_ascii=False))
    assert [sample.name for sample in samples] == ["first", name]


def test_a_record_may_be_bytes_and_have_a_key_headers_and_a_time() -> None:
    binary = {"base64": base64.b64encode(b"\x00").decode(), "key": "k", "headers": {"h": "v"}}
    text = line(**binary, timestamp="2026-11-28T12:00:00Z").replace('"value": ', '"text": null, "value": ')
    sample = json.loads(text)
    del sample["value"]
    [read] = read_samples(json.dumps(sample))
    assert read.record.value == b"\x00"
    assert (read.record.key, read.record.headers) == (b"k", (("h", b"v"),))
    assert read.record.timestamp == 1795867200000000
    del sample["base64"]
    [plain] = read_samples(json.dumps(sample | {"text": "no JSON"}))
    assert plain.record.value == b"no JSON"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no samples"),
        ("{", "line 1"),
        ('\n{"name": "a"}', "line 2"),
        (line(expect={}), "exactly one of row, reasons and ignored"),
        (line(expect={"row": {}, "ignored": "a"}), "exactly one of row, reasons and ignored"),
        (line(expect={"row": {"amount": 1}}), "expect.row.amount must be a text"),
        (line(text="x"), "exactly one of value (JSON), text and base64"),
        (line(values=1), "values"),
        (line(timestamp="2026-11-28T12:00:00"), "timestamp needs a zone"),
        (line(base64="?").replace('"value"', '"key"').replace(json.dumps(DOCUMENT), '"k"'), "base64 is not base64"),
    ],
)
def test_a_line_that_is_no_sample_is_named(text: str, says: str) -> None:
    with pytest.raises(SampleError) as raised:
        read_samples(text, "my.jsonl")
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)
