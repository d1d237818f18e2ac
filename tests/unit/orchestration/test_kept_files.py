"""Small files: whole, and no error where they are not ours."""

from pathlib import Path

from orchestration.kept_files import keep_json, kept_json


def test_what_is_kept_is_read_back_and_nothing_else_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "below" / "file.json"
    for content, on_disk in (({"a": 1}, False), ({"a": 2}, True)):
        keep_json(path, content, on_disk=on_disk)
        assert kept_json(path, lambda data: data["a"]) == content["a"]
    assert list(path.parent.iterdir()) == [path]


def test_what_is_not_there_or_not_understood_is_none(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    assert kept_json(path, lambda data: data["a"]) is None
    for text in ("", "{", "[]", "{}", "1"):
        path.write_text(text)
        assert kept_json(path, lambda data: data["a"]) is None
