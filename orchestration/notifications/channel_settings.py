"""Where notifications go: read from the environment by a function, never at import.

Belongs here: names and validity of the settings. Does not belong here: sending (channels). A secret may stand in a file
that `NAME_FILE` names, as containers mount it; no secret is ever part of a message, a log or a page.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from spark_jobs.settings import SettingError

WEBHOOK, SLACK, EMAIL = "webhook", "slack", "email"
TLS = ("starttls", "tls", "none")


@dataclass(frozen=True, slots=True)
class Mail:
    """An SMTP server and whom to write to."""

    host: str
    port: int
    tls: str
    sender: str
    recipients: tuple[str, ...]
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """The channels that are set; `runbooks` is where the runbooks can be read."""

    webhook: str = field(default="", repr=False)
    webhook_token: str = field(default="", repr=False)
    slack: str = field(default="", repr=False)
    mail: Mail | None = None
    runbooks: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The channels that are set."""
        found = {WEBHOOK: self.webhook, SLACK: self.slack, EMAIL: self.mail}
        return tuple(name for name, is_set in found.items() if is_set)


def read_channel_settings(env: Mapping[str, str] | None = None) -> ChannelSettings:
    """The settings from `env` (default: the process's environment).

    Raises:
        SettingError: naming the variable that is wrong, and no value that may be secret.
    """
    env = os.environ if env is None else env
    webhook = _secret(
        "PAYMENTS_ALERT_WEBHOOK_URL",
        env.get("PAYMENTS_ALERT_WEBHOOK_URL"),
        env.get("PAYMENTS_ALERT_WEBHOOK_URL_FILE"),
    )
    token = _secret(
        "PAYMENTS_ALERT_WEBHOOK_TOKEN",
        env.get("PAYMENTS_ALERT_WEBHOOK_TOKEN"),
        env.get("PAYMENTS_ALERT_WEBHOOK_TOKEN_FILE"),
    )
    slack = _secret(
        "PAYMENTS_ALERT_SLACK_URL", env.get("PAYMENTS_ALERT_SLACK_URL"), env.get("PAYMENTS_ALERT_SLACK_URL_FILE")
    )
    return ChannelSettings(
        webhook=_url("PAYMENTS_ALERT_WEBHOOK_URL", webhook),
        webhook_token=token,
        slack=_url("PAYMENTS_ALERT_SLACK_URL", slack),
        mail=_mail(env),
        runbooks=_url("PAYMENTS_ALERT_RUNBOOKS_URL", env.get("PAYMENTS_ALERT_RUNBOOKS_URL") or ""),
    )


def _mail(env: Mapping[str, str]) -> Mail | None:
    server, recipients = env.get("PAYMENTS_ALERT_SMTP"), env.get("PAYMENTS_ALERT_EMAIL_TO")
    if not server and not recipients:
        return None
    if not server or not recipients:
        missing = "EMAIL_TO" if server else "SMTP"
        raise SettingError(f"PAYMENTS_ALERT_{missing} is not set: e-mail takes a server and somebody to write to.")
    host, _, port = server.rpartition(":")
    if not host or not port.isdecimal():
        raise SettingError(f"PAYMENTS_ALERT_SMTP must be host:port, not {server!r}.")
    tls = env.get("PAYMENTS_ALERT_SMTP_TLS") or TLS[0]
    if tls not in TLS:
        raise SettingError(f"PAYMENTS_ALERT_SMTP_TLS must be one of {', '.join(TLS)}, not {tls!r}.")
    user = env.get("PAYMENTS_ALERT_SMTP_USER") or ""
    password = _secret(
        "PAYMENTS_ALERT_SMTP_PASSWORD",
        env.get("PAYMENTS_ALERT_SMTP_PASSWORD"),
        env.get("PAYMENTS_ALERT_SMTP_PASSWORD_FILE"),
    )
    if user and tls == "none":
        raise SettingError(
            "PAYMENTS_ALERT_SMTP_TLS is none, and a password would go in clear text: use starttls or tls."
        )
    to = tuple(each.strip() for each in recipients.split(","))
    sender = env.get("PAYMENTS_ALERT_EMAIL_FROM") or to[0]
    if wrong := [each for each in (*to, sender) if "@" not in each or any(c.isspace() for c in each)]:
        raise SettingError(f"PAYMENTS_ALERT_EMAIL_TO and PAYMENTS_ALERT_EMAIL_FROM take addresses, not {wrong[0]!r}.")
    return Mail(host, int(port), tls, sender, to, user, password)


def _url(name: str, value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise SettingError(f"{name} must start with https:// or http:// and name a host.")
    return value


def _secret(name: str, value: str | None, path: str | None) -> str:
    if value and path:
        raise SettingError(f"{name} and {name}_FILE are both set: use one.")
    if not path:
        return value or ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingError(f"{name}_FILE: {path} cannot be read: {reason}.") from None
