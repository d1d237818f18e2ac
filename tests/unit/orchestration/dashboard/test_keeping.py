from pathlib import Path

from orchestration.dashboard.keeping import keep, kept, path_of
from tests.unit.orchestration.dashboard.sample import snapshot


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    assert kept(tmp_path) is None
    keep(tmp_path, snapshot())
    assert kept(tmp_path) == snapshot()
    assert [path.name for path in path_of(tmp_path).parent.iterdir()] == ["snapshot.json"]


def test_a_file_that_is_none_of_ours_is_no_snapshot_and_no_error(tmp_path: Path) -> None:
    path = path_of(tmp_path)
    path.parent.mkdir()
    for text in ("", "{", "[]", "{}", '{"taken_at": "yesterday"}', '{"taken_at": "2026-01-05T12:00:00Z", "parts": 3}'):
        path.write_text(text)
        assert kept(tmp_path) is None
