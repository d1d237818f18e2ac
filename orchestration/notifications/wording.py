"""A message in the words of each channel.

Belongs here: texts and payloads, which name alerts, metrics and runbooks, and no account, payment or address. Does not
belong here: sending them (channels).
"""

from datetime import UTC, datetime
from email.message import EmailMessage

from orchestration.alerts.catalog import ALERTS, Alert
from orchestration.alerts.runbooks import runbook_of
from orchestration.notifications.channel_settings import Mail
from orchestration.notifications.ledger import Message


def alert_of(message: Message) -> Alert:
    """The alert that a message is about."""
    return next(alert for alert in ALERTS if alert.name == message.alert)


def title(message: Message) -> str:
    """One line."""
    alert = alert_of(message)
    return f"OVER: {alert.name}" if message.is_over else f"{alert.severity.upper()}: {alert.name}: {alert.summary}"


def lines(message: Message, runbooks: str) -> list[str]:
    """All that is said, in lines."""
    since = f"Since {_clock(message.since)} UTC"
    if message.is_over:
        return [title(message), f"{since}, until {_clock(message.at)} UTC."]
    alert = alert_of(message)
    return [
        title(message),
        f"{since}. {message.detail}".strip(),
        f"Look: {alert.command}",
        f"Runbook: {runbook_of(alert.name, runbooks)}",
    ]


def webhook(message: Message, runbooks: str) -> dict[str, object]:
    """JSON in the shape of Alertmanager's webhook, which most receivers read; an end has its alert's `groupKey`."""
    alert = alert_of(message)
    status = "resolved" if message.is_over else "firing"
    incident = f"{alert.name}-{message.since}"
    labels = {"alertname": alert.name, "severity": str(alert.severity)}
    annotations = {
        "summary": alert.summary,
        "description": message.detail,
        "command": alert.command,
        "runbook_url": runbook_of(alert.name, runbooks),
    }
    body = {
        "status": status,
        "labels": labels,
        "annotations": annotations,
        "startsAt": _stamp(message.since),
        "endsAt": _stamp(message.at) if message.is_over else "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": incident,
    }
    return {
        "version": "4",
        "groupKey": incident,
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "payments",
        "groupLabels": {"alertname": alert.name},
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "",
        "alerts": [body],
    }


def slack(message: Message, runbooks: str) -> dict[str, object]:
    """JSON for Slack's incoming webhook."""
    text = "\n".join(lines(message, runbooks))
    return {"text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}


def mail(message: Message, settings: Mail, runbooks: str) -> EmailMessage:
    """An e-mail. Its id is that of the message, so that a second try is the same letter."""
    letter = EmailMessage()
    letter["Subject"] = title(message)
    letter["From"] = settings.sender
    letter["To"] = ", ".join(settings.recipients)
    letter["Message-ID"] = f"<{message.key}@payments.invalid>"
    if message.is_over:
        letter["In-Reply-To"] = f"<{message.key.removesuffix('over')}fires@payments.invalid>"
    letter.set_content("\n".join(lines(message, runbooks)) + "\n")
    return letter


def _clock(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}"


def _stamp(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
