"""The file: whole, and understood again."""

from pathlib import Path

from orchestration.notifications.kept_ledger import keep, kept, path_of
from orchestration.notifications.ledger import FiringAlert, Ledger, Message, Waiting

MESSAGE = Message("PaymentsDataLost-5-fires", "PaymentsDataLost", False, "lost", 5, 65)
LEDGER = Ledger({"PaymentsDataLost": FiringAlert(5, "lost", True)}, (Waiting("slack", MESSAGE, 2),))


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    assert kept(tmp_path) == Ledger()
    keep(tmp_path, LEDGER)
    assert kept(tmp_path) == LEDGER


def test_a_file_that_is_none_of_ours_is_an_empty_ledger(tmp_path: Path) -> None:
    keep(tmp_path, LEDGER)
    for text in ("", "[]", "{}", '{"firing": {"a": {"x": 1}}, "waiting": []}'):
        path_of(tmp_path).write_text(text)
        assert kept(tmp_path) == Ledger()
