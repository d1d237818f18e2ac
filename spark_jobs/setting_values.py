"""What the value of a setting may be: each reader gives it back as it is used, or refuses it in one line.

Belongs here: a name, a host, a URI, a file, a number of days. Does not belong here: which settings there are, what two
of them mean together (settings).
"""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]+")
_SERVER = re.compile(r"[A-Za-z0-9._-]+:[0-9]{1,5}")


class SettingError(ValueError):
    """A setting is missing or wrong. The message is one line that names it and says what to do."""


def matching(name: str, value: str, pattern: re.Pattern[str]) -> str:
    """A text of that form."""
    if not pattern.fullmatch(value):
        raise SettingError(f"{name} is {value!r}, which does not match {pattern.pattern}.")
    return value


def one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    """A word of these."""
    if value not in known:
        raise SettingError(f"{name} must be {' or '.join(known)}, not {value!r}.")
    return value


def servers(value: str) -> str:
    """Kafka's, separated by commas."""
    found = [server.strip() for server in value.split(",")]
    if not all(_SERVER.fullmatch(server) for server in found):
        raise SettingError(f"KAFKA_BOOTSTRAP_SERVERS must be host:port[,host:port...], not {value!r}.")
    return ",".join(found)


def endpoint(value: str) -> str:
    """The local warehouse's address."""
    parts = _split(value)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingError(f"BIGQUERY_EMULATOR_HOST must start with http:// and name a host, not {value!r}.")
    return value.rstrip("/")


def host(env: Mapping[str, str], name: str, default: str) -> str:
    """A host's name or address."""
    value = env.get(name) or default
    if not _HOST.fullmatch(value):
        raise SettingError(f"{name} must be a host's name or address, not {value!r}.")
    return value


def uri(name: str, value: str | None, default: Path) -> str:
    """A folder on a disk or in a bucket, as a URI."""
    if not value:
        return default.as_uri()
    if not re.match("[a-z0-9]+:/", value):
        return Path(value).expanduser().resolve().as_uri()
    parts = _split(value)
    if parts is None or parts.scheme not in ("file", "gs") or (parts.scheme == "gs" and not parts.netloc):
        raise SettingError(f"{name} must be a folder, a file: URI or a gs:// URI, not {value!r}.")
    return value.rstrip("/")


def file(name: str, value: str | None) -> str:
    """The path of a file that is there; empty where none is named."""
    if not value:
        return ""
    path = Path(value).expanduser().resolve()
    if not path.is_file():
        raise SettingError(f"{name} names {value!r}, which is no file.")
    return str(path)


def days(env: Mapping[str, str], name: str) -> int:
    """For how many days something is kept; 0 is for ever."""
    value = env.get(name) or "0"
    if not re.fullmatch("[0-9]{1,5}", value):
        raise SettingError(f"{name} must be a whole number of days, or 0, which keeps for ever, not {value!r}.")
    return int(value)


def positive(env: Mapping[str, str], name: str, default: int) -> int:
    """A whole number above zero."""
    value = env.get(name) or str(default)
    if not re.fullmatch("[1-9][0-9]{0,8}", value):
        raise SettingError(f"{name} must be a whole number above zero, not {value!r}.")
    return int(value)


def _split(text: str) -> SplitResult | None:
    try:
        return urlsplit(text)
    except ValueError:
        return None
