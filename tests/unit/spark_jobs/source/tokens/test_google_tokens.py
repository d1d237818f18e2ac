"""Tokens for Managed Kafka: the very text that Google's handler makes, and why there is none."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from spark_jobs.source.tokens.google_tokens import GoogleLogin, text_of, token_callback, token_provider
from spark_jobs.source.tokens.oauth import TokenRefused
from tests.google_kafka import ACCESS_TOKEN, ACCOUNT, decoded, google

ENDS = datetime(2026, 11, 29, 6, 0, 0, 900_000, tzinfo=UTC)
NOW = datetime(2026, 11, 29, 5, 0, 0, 900_000, tzinfo=UTC)


def test_a_token_is_written_as_googles_handler_for_java_writes_it() -> None:
    header, claims, access_token = (decoded(part) for part in text_of("ya29.é-_", "a@b", ENDS, NOW).split("."))
    assert header == b'{"typ":"JWT","alg":"GOOG_OAUTH2_TOKEN"}'
    assert claims == b'{"exp":1795932000,"iat":1795928400,"scope":"kafka","sub":"a@b"}'
    assert access_token == "ya29.é-_".encode()


def test_a_token_has_no_padding_and_no_character_that_a_header_may_not_have() -> None:
    text = text_of("ya29?>~" * 5, "a@b", ENDS, NOW)
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


def test_a_service_account_gets_one_token_for_as_long_as_it_is_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with google(tmp_path) as bank:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(bank.key_file))
        login = GoogleLogin()
        first = login.token()
        assert (first.principal, decoded(first.text.split(".")[2])) == (ACCOUNT, ACCESS_TOKEN.encode())
        text, ends_at, principal, extensions = token_callback()("")
        assert (principal, extensions, len(text.split("."))) == (ACCOUNT, {}, 3)
        assert ends_at > first.expires_at.timestamp() - 60
        assert token_provider().token().split(".")[0] == text.split(".")[0]
    # Google is away, and nobody asks it.
    assert login.token().expires_at == first.expires_at
    assert ACCESS_TOKEN not in repr(first)
    assert text not in repr(first)


@pytest.mark.parametrize("key", ["", "{", '{"type": "service_account"}'])
def test_without_credentials_that_can_be_used_the_reason_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    path = tmp_path / "account.json"
    path.write_text(key)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    with pytest.raises(TokenRefused, match=r"^Google gave no token: .*; set GOOGLE_APPLICATION_CREDENTIALS to .*\.$"):
        GoogleLogin().token()


def test_a_key_that_google_refuses_is_told_without_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (other := tmp_path / "other").mkdir()
    with google(tmp_path) as bank, google(other):
        account = json.loads((other / "account.json").read_text()) | {"token_uri": f"{bank.address}/token"}
        (other / "account.json").write_text(json.dumps(account))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(other / "account.json"))
        with pytest.raises(TokenRefused, match="invalid_grant") as refused:
            GoogleLogin().token()
    assert base64.b64encode(account["private_key"].encode())[:20].decode() not in str(refused.value)
    assert "PRIVATE KEY" not in str(refused.value)
