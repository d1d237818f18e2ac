"""The channels: one try to hand a message over, with a time-out, and one line where it was not taken.

Belongs here: HTTP and SMTP. Does not belong here: when a try is made again (ledger), words (wording). The line names
the channel and the kind of failure, never an address, which may be the secret.
"""

import json
import smtplib
import ssl
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import Request, build_opener

from orchestration.notifications import wording
from orchestration.notifications.channel_settings import EMAIL, SLACK, WEBHOOK, ChannelSettings, Mail
from orchestration.notifications.ledger import Message
from spark_jobs.no_redirects import NoRedirects

ANSWER_SECONDS = 10.0


def send(channel: str, message: Message, settings: ChannelSettings) -> str:
    """Hand one message to one channel. Returns "" where it was taken, else why not, in one line."""
    try:
        if channel == WEBHOOK:
            token = {"Authorization": f"Bearer {settings.webhook_token}"} if settings.webhook_token else {}
            headers = {"Idempotency-Key": message.key, **token}
            _post(settings.webhook, wording.webhook(message, settings.runbooks), headers)
        elif channel == SLACK:
            _post(settings.slack, wording.slack(message, settings.runbooks), {})
        elif channel == EMAIL and settings.mail:
            _mail(message, settings.mail, settings.runbooks)
    except HTTPError as error:
        return f"{channel}: the receiver answered {error.code}"
    except (URLError, HTTPException, smtplib.SMTPException, OSError, ValueError) as error:
        return f"{channel}: {_kind(error)}"
    return ""


def _kind(error: Exception) -> str:
    """What happened, without the message of the error: that may repeat the address."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the mail server answered {error.smtp_code}"
    cause = error.reason if isinstance(error, URLError) else error
    return type(cause).__name__ if isinstance(cause, BaseException) else "the receiver was not reached"


def _post(url: str, body: dict[str, object], headers: dict[str, str]) -> None:
    data = json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/json", **headers}, method="POST")  # noqa: S310 - checked
    with build_opener(NoRedirects).open(request, timeout=ANSWER_SECONDS) as answer:
        answer.read(1024)


def _mail(message: Message, settings: Mail, runbooks: str) -> None:
    letter = wording.mail(message, settings, runbooks)
    with _connected(settings) as server:
        if settings.tls == "starttls":
            server.starttls(context=ssl.create_default_context())
        if settings.user:
            server.login(settings.user, settings.password)
        server.send_message(letter)


def _connected(settings: Mail) -> smtplib.SMTP:
    if settings.tls == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(settings.host, settings.port, timeout=ANSWER_SECONDS, context=context)
    return smtplib.SMTP(settings.host, settings.port, timeout=ANSWER_SECONDS)
