"""What the warehouse is asked about an account: bytes by their hexadecimal digits, texts as they are."""

import pytest

from spark_jobs.erasure.account_search import narrowed_bytes, narrowed_text, narrowing_values


@pytest.mark.parametrize("account", ["acc-7", "a/b", "Zo\u00eb", "x' or true --"])
def test_an_account_reaches_the_warehouse_as_a_value_alone(account: str) -> None:
    for kind, sql in (("hex", narrowed_bytes(("k", "v"), account)), ("text", narrowed_text("extra", account))):
        values = narrowing_values(account, kind)
        assert account not in sql
        assert all(f"@{name}" in sql for name in values)
        assert sql.count("strpos") == len(values) * (2 if kind == "hex" else 1)


def test_no_text_is_turned_into_bytes_by_the_warehouse() -> None:
    # The local warehouse cannot do it with a letter outside ASCII.
    assert "cast" not in narrowed_bytes(("k",), "a") + narrowed_text("extra", "a")
    assert narrowing_values("a", "hex") == {"hex_0": "61", "hex_1": "5c75"}
    assert narrowing_values("a/b", "text") == {"text_0": "a/b", "text_1": "\\"}
