"""The record of views: who and when, in a file that only its owner reads, and in the log."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestration.dashboard.ids.views import label_of, path_of, put_on_record


def test_each_view_is_a_line_with_who_and_when(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put_on_record(tmp_path, "anna@example.com", shown_as="html")
    put_on_record(tmp_path, "ben\nsays", shown_as="json")
    lines = [json.loads(line) for line in path_of(tmp_path).read_text().splitlines()]
    assert [(line["reader"], line["shown_as"]) for line in lines] == [
        ("anna@example.com", "html"),
        ("ben\nsays", "json"),
    ]
    assert all(datetime.now(UTC) - datetime.fromisoformat(line["at"]) < timedelta(days=1) for line in lines)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == lines
    assert path_of(tmp_path).stat().st_mode & 0o777 == 0o600


def test_a_record_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    path_of(tmp_path).mkdir(parents=True)
    with pytest.raises(OSError, match="id_views"):
        put_on_record(tmp_path, "anna@example.com", shown_as="html")


def test_the_label_of_a_reader_is_one_that_bigquery_takes() -> None:
    assert label_of("Anna@Example.com") == {"payments_reader": "anna_example_com"}
