"""Tokens for Google's Managed Service for Apache Kafka, as Google's own login handler for Java makes them.

Belongs here: the token's form, and Google's application default credentials, of which it is made. Does not belong here:
the client credentials grant (oauth).

A token is an access token of Google's in the form of a JWT: header, claims and access token, each in base64url.
"""

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from spark_jobs.incidents import one_line
from spark_jobs.source.tokens.oauth import TokenRefused

if TYPE_CHECKING:
    from kafka.net.sasl.oauth import AbstractTokenProvider

HANDLER = "com.google.cloud.hosted.kafka.auth.GcpLoginCallbackHandler"
"""Google's handler for Java, by whose name a properties file asks for these tokens."""

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_HEADER = {"typ": "JWT", "alg": "GOOG_OAUTH2_TOKEN"}
_TODO = "set GOOGLE_APPLICATION_CREDENTIALS to the key of a service account, or run as one."


@dataclass(frozen=True, slots=True)
class GoogleToken:
    """A token, whose it is, and until when it is good."""

    text: str = field(repr=False)
    principal: str
    expires_at: datetime


def text_of(access_token: str, principal: str, expires_at: datetime, now: datetime) -> str:
    """The token that the broker wants: what Google's handler for Java writes, byte for byte."""
    claims = {"exp": int(expires_at.timestamp()), "iat": int(now.timestamp()), "scope": "kafka", "sub": principal}
    parts = (_json(_HEADER), _json(claims), access_token)
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)


class GoogleLogin:
    """The process's application default credentials, asked for a token as often as one is wanted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._credentials: Any = None

    def token(self) -> GoogleToken:
        """A token that is still good; Google is asked where the last one is not.

        Raises:
            TokenRefused: there are no credentials, Google refuses them, or they are of nobody that Kafka could know.
        """
        from google.auth.exceptions import GoogleAuthError

        with self._lock:
            try:
                return self._token()
            except GoogleAuthError as error:
                raise TokenRefused(f"Google gave no token: {one_line(error)}; {_TODO}") from None

    def _token(self) -> GoogleToken:
        import google.auth
        from google.auth.transport.requests import Request

        if self._credentials is None:
            self._credentials, _ = google.auth.default(scopes=[_SCOPE])
        credentials = self._credentials
        if not credentials.valid:
            credentials.refresh(Request())
        principal = _principal_of(credentials)
        if not principal or "@" not in principal:
            raise TokenRefused(f"Google gave no token: the credentials name no service account; {_TODO}")
        expires_at = credentials.expiry.replace(tzinfo=UTC)
        text = text_of(credentials.token, principal, expires_at, datetime.now(UTC))
        return GoogleToken(text, principal, expires_at)


def token_provider() -> "AbstractTokenProvider":
    """A provider for one of kafka-python's clients."""
    from kafka.net.sasl.oauth import AbstractTokenProvider

    login = GoogleLogin()

    class Provider(AbstractTokenProvider):  # type: ignore[misc]
        def token(self) -> str:
            return login.token().text

    return Provider()


def token_callback() -> Callable[[str], tuple[str, float, str, dict[str, str]]]:
    """What confluent-kafka calls for a token: its text, when it ends, whose it is, and no extensions."""
    login = GoogleLogin()

    def token(_config: str) -> tuple[str, float, str, dict[str, str]]:
        found = login.token()
        return found.text, found.expires_at.timestamp(), found.principal, {}

    return token


def _principal_of(credentials: Any) -> str | None:
    """Whose the credentials are: a service account, or the user that an id token names."""
    if email := getattr(credentials, "service_account_email", None):
        return str(email)
    claims = (getattr(credentials, "id_token", None) or "..").split(".")[1]
    try:
        return str(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["email"])
    except (ValueError, KeyError, TypeError):
        return None


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))
