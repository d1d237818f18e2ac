"""Tokens for SASL OAUTHBEARER, by the client credentials grant (RFC 6749, 4.4), for kafka-python.

Belongs here: asking the token endpoint, and keeping a token until shortly before it ends. Does not belong here: the
JVM's clients, which ask by themselves.
"""

import base64
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from spark_jobs.incidents import one_line
from spark_jobs.no_redirects import NoRedirects

if TYPE_CHECKING:
    from kafka.net.sasl.oauth import AbstractTokenProvider

ANSWER_SECONDS = 10.0
EARLIER = 0.8
"""A token is asked for anew after this share of its life, as Java's client does."""


_EXTENSION = "extension_"


def extensions_of(login: Mapping[str, str]) -> dict[str, str]:
    """What goes to the broker beside the token: Confluent Cloud wants `logicalCluster` and `identityPoolId`.

    As in Java's client, each is an option of the login module whose name begins with extension_.
    """
    return {name.removeprefix(_EXTENSION): value for name, value in login.items() if name.startswith(_EXTENSION)}


class TokenRefused(RuntimeError):
    """The token endpoint gave none. The message is one line, without the secret."""


def token_provider(endpoint: str, login: Mapping[str, str]) -> "AbstractTokenProvider":
    """A provider for one client; arguments are those of `request_token`."""
    from kafka.net.sasl.oauth import AbstractTokenProvider

    class Provider(AbstractTokenProvider):  # type: ignore[misc]
        def __init__(self) -> None:
            self._lock = threading.Lock()
            self._token, self._until = "", 0.0

        def token(self) -> str:
            with self._lock:
                if time.monotonic() >= self._until:
                    self._token, seconds = request_token(endpoint, login)
                    self._until = time.monotonic() + EARLIER * seconds
                return self._token

        def extensions(self) -> dict[str, str]:
            return extensions_of(login)

    return Provider()


def request_token(endpoint: str, login: Mapping[str, str]) -> tuple[str, float]:
    """A token, and for how many seconds it is good.

    Args:
        endpoint: the token endpoint's address.
        login: clientId, clientSecret and, where it is wanted, scope.

    Raises:
        TokenRefused: the endpoint is away, or refuses the client.
    """
    if not endpoint.startswith(("https://", "http://")):
        raise TokenRefused(f"the token endpoint {endpoint} is no http address: mend KAFKA_OAUTH_TOKEN_ENDPOINT_URL.")
    fields = {"grant_type": "client_credentials"} | ({"scope": login["scope"]} if "scope" in login else {})
    basic = base64.b64encode(f"{login.get('clientId', '')}:{login.get('clientSecret', '')}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310 - http and https alone, checked above
        endpoint, urllib.parse.urlencode(fields).encode(), {"Authorization": f"Basic {basic}"}
    )
    try:
        with urllib.request.build_opener(NoRedirects).open(request, timeout=ANSWER_SECONDS) as answer:
            reported: dict[str, Any] = json.load(answer)
        return str(reported["access_token"]), float(reported.get("expires_in", 300))
    except urllib.error.HTTPError as error:
        raise TokenRefused(
            f"the token endpoint {endpoint} refused the client (HTTP {error.code}): mend the client's id and secret."
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TokenRefused(f"the token endpoint {endpoint} gave no token: {one_line(error)}.") from None
