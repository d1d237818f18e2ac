"""The one client of the schema registry: Confluent's REST API, which Apicurio, Karapace and others speak too.

Belongs here: its settings, its answers, and what it is when there is none. Does not belong here: what a schema means
(registered). Secrets are read from the environment where they are used: they are in no plan, message or log.
"""

import base64
import json
import os
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, urlsplit

from spark_jobs.incidents import Incident, IncidentKind, one_line
from spark_jobs.no_redirects import NoRedirects
from spark_jobs.settings import SettingError

ANSWER_SECONDS = 10.0
PAUSES_SECONDS = (0.5, 2.0)
"""Between the tries: three of them. A run that stops is started again, which is another."""

_NOT_FOUND = 404
_AT_ONCE = (401, 403)
_DEEPEST = 20
_MESSAGE = re.compile(rf"RegistryUnavailable: {IncidentKind.SCHEMA_REGISTRY_FAILED}: (.+)")


class RegistryUnavailable(Incident):
    """The registry cannot be asked now. The message is one line that says what to do, without a secret."""

    def __init__(self, message: str) -> None:
        super().__init__(IncidentKind.SCHEMA_REGISTRY_FAILED, message)


class UnknownSchema(LookupError):
    """The registry answers, and knows no such schema."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where the registry is, and how it lets us in."""

    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    authorities: str | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """A registered schema.

    Args:
        kind: AVRO, PROTOBUF or JSON.
        text: its text.
        references: the texts that it uses, by the names that it uses; each after those that it uses itself.
    """

    kind: str
    text: str
    references: dict[str, str]


def has_registry(env: Mapping[str, str] | None = None) -> bool:
    """Whether the process's environment, or `env`, names a registry."""
    return bool((os.environ if env is None else env).get("SCHEMA_REGISTRY_URL"))


def read_access(env: Mapping[str, str] | None = None) -> Access:
    """The registry of the process's environment, or of `env`.

    Raises:
        SettingError: naming the variable that is wrong. It never repeats a secret.
    """
    env = os.environ if env is None else env
    url = env.get("SCHEMA_REGISTRY_URL") or ""
    if not url:
        raise SettingError(
            "SCHEMA_REGISTRY_URL is not set, and the records name their schemas: set it, also where Spark's tasks run."
        )
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise SettingError(
            "SCHEMA_REGISTRY_URL must be an http or https address without a login: that goes to SCHEMA_REGISTRY_USER "
            "and SCHEMA_REGISTRY_PASSWORD."
        )
    access = Access(
        url.rstrip("/"),
        env.get("SCHEMA_REGISTRY_USER") or None,
        env.get("SCHEMA_REGISTRY_PASSWORD") or None,
        env.get("SCHEMA_REGISTRY_TOKEN") or None,
        env.get("SCHEMA_REGISTRY_CA_LOCATION") or None,
    )
    if access.token and access.user:
        raise SettingError("SCHEMA_REGISTRY_TOKEN and SCHEMA_REGISTRY_USER are both set: unset one.")
    if bool(access.user) != bool(access.password):
        raise SettingError("SCHEMA_REGISTRY_USER and SCHEMA_REGISTRY_PASSWORD go together: set both, or none.")
    return access


def raised_by_a_task(text: str) -> RegistryUnavailable | None:
    """What a task has raised, from the text that Spark made of it; None where that was something else."""
    found = _MESSAGE.search(text)
    return RegistryUnavailable(found[1].strip()) if found else None


class Registry:
    """Asks the registry; remembers nothing.

    Args:
        access: where it is.
        wait: what is done for so many seconds before another try.
    """

    def __init__(self, access: Access, wait: Callable[[float], None] = time.sleep) -> None:
        self._access = access
        self._wait = wait
        self._opener = urllib.request.build_opener(NoRedirects, urllib.request.HTTPSHandler(context=_context(access)))
        self._is_confirmed = False

    def schema(self, path: str) -> Schema:
        """A schema and all that it refers to.

        Args:
            path: below /schemas: ids/ID or guids/GUID.

        Raises:
            UnknownSchema: the registry has none there, or not what it refers to.
            RegistryUnavailable: it does not answer, lets nobody in, fails, or is none.
        """
        found = self._get(f"/schemas/{path}")
        references: dict[str, str] = {}
        self._gather(found, references, 0)
        return Schema(str(found.get("schemaType") or "AVRO"), str(found["schema"]), references)

    def _gather(self, of: dict[str, Any], into: dict[str, str], depth: int) -> None:
        if depth > _DEEPEST:
            raise UnknownSchema("its references have no end")
        for reference in of.get("references") or ():
            if reference["name"] not in into:
                subject, version = quote(str(reference["subject"]), safe=""), int(reference["version"])
                found = self._get(f"/subjects/{subject}/versions/{version}?deleted=true")
                self._gather(found, into, depth + 1)
                into[reference["name"]] = str(found["schema"])

    def _get(self, path: str) -> dict[str, Any]:
        status, content = self._ask(path)
        answer = _object(content)
        if status == _NOT_FOUND:
            # Whatever stands at that address says 404 to what it does not know. Only a registry lists types of schemas.
            if not str(answer.get("error_code", "")).startswith(str(_NOT_FOUND)):
                self._confirm()
            raise UnknownSchema(path)
        if "schema" not in answer:
            raise self._unavailable("does not answer as a schema registry does: mend SCHEMA_REGISTRY_URL")
        return answer

    def _confirm(self) -> None:
        if not self._is_confirmed:
            status, content = self._ask("/schemas/types")
            if status == _NOT_FOUND or b"[" not in content:
                raise self._unavailable(
                    "is no schema registry: mend SCHEMA_REGISTRY_URL (Apicurio's ends with /apis/ccompat/v7)"
                )
            self._is_confirmed = True

    def _ask(self, path: str) -> tuple[int, bytes]:
        """Status and content: of an answer, or of a 404."""
        for pause in (*PAUSES_SECONDS, None):
            try:
                with self._opener.open(self._request(path), timeout=ANSWER_SECONDS) as answer:
                    return int(answer.status), answer.read()
            except urllib.error.HTTPError as error:
                with error:
                    if error.code == _NOT_FOUND:
                        return error.code, error.read()
                failure = self._refused(error.code)
                if error.code in _AT_ONCE:
                    raise failure from None
            except (OSError, HTTPException) as error:
                failure = self._unavailable(
                    f"does not answer ({one_line(getattr(error, 'reason', None) or error)}): "
                    "start it, or mend SCHEMA_REGISTRY_URL"
                )
            if pause is None:
                raise failure from None
            self._wait(pause)
        raise AssertionError

    def _request(self, path: str) -> urllib.request.Request:
        headers = {"Accept": "application/vnd.schemaregistry.v1+json, application/json"}
        access = self._access
        if access.token:
            headers["Authorization"] = f"Bearer {access.token}"
        elif access.user:
            basic = base64.b64encode(f"{access.user}:{access.password}".encode()).decode()
            headers["Authorization"] = f"Basic {basic}"
        return urllib.request.Request(f"{access.url}{path}", headers=headers)  # noqa: S310 - http and https alone

    def _refused(self, code: int) -> RegistryUnavailable:
        if code in _AT_ONCE:
            return self._unavailable(
                f"lets nobody in (HTTP {code}): mend SCHEMA_REGISTRY_USER and SCHEMA_REGISTRY_PASSWORD, or "
                "SCHEMA_REGISTRY_TOKEN"
            )
        return self._unavailable(f"fails (HTTP {code}): look at its log")

    def _unavailable(self, what: str) -> RegistryUnavailable:
        return RegistryUnavailable(
            f"the schema registry at {self._access.url} {what}. Nothing of this batch was published; the next run "
            "reads it again."
        )


def _context(access: Access) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=access.authorities)
    except (OSError, ValueError) as error:
        raise SettingError(
            f"SCHEMA_REGISTRY_CA_LOCATION: {access.authorities} cannot be used: {one_line(error)}."
        ) from None
    # Companies' own authorities often lack what RFC 5280 asks of them; Java's client takes them, and so must ours.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _object(content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
