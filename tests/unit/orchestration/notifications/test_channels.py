"""The channels against receivers on loopback: what arrives, and the one line where it does not."""

import pytest

from local_stack.processes import free_port
from orchestration.notifications import wording
from orchestration.notifications.channel_settings import ChannelSettings, Mail
from orchestration.notifications.channels import send
from orchestration.notifications.ledger import Message
from tests.unit.orchestration.notifications.receivers import http_receiver, letter, smtp_receiver

FIRES = Message(
    "PaymentsDataLost-1767614400-fires", "PaymentsDataLost", False, "offsets <0> to 4", 1767614400, 1767614460
)
OVER = Message("PaymentsDataLost-1767614400-over", "PaymentsDataLost", True, "offsets 0 to 4", 1767614400, 1767618000)


ALERTMANAGER = {
    *("version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels", "commonLabels"),
    *("commonAnnotations", "externalURL", "alerts"),
}
"""The fields of version 4 of its webhook."""


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def mail(address: str) -> ChannelSettings:
    host, _, port = address.rpartition(":")
    return ChannelSettings(mail=Mail(host, int(port), "none", "pager@example.com", ("a@example.com", "b@example.com")))


def test_a_webhook_gets_what_alertmanager_would_send_and_a_key_that_is_the_same_at_each_try() -> None:
    with http_receiver() as inbox:
        settings = ChannelSettings(webhook=inbox.address, webhook_token="hush", runbooks="https://docs.example.com")  # noqa: S106
        assert [send("webhook", each, settings) for each in (FIRES, OVER)] == ["", ""]
    first, last = inbox.bodies
    [alert] = first["alerts"]
    assert (first["status"], last["status"]) == ("firing", "resolved")
    assert alert["labels"] == {"alertname": "PaymentsDataLost", "severity": "page"}
    assert alert["annotations"]["runbook_url"] == "https://docs.example.com/PaymentsDataLost.md"
    assert (alert["startsAt"], last["alerts"][0]["endsAt"]) == ("2026-01-05T12:00:00Z", "2026-01-05T13:00:00Z")
    assert alert["fingerprint"] == last["alerts"][0]["fingerprint"]
    assert first["groupKey"] == last["groupKey"], "a receiver that goes by it could not end what it has begun"
    assert set(first) == ALERTMANAGER
    assert [headers["Idempotency-Key"] for headers in inbox.headers] == [FIRES.key, OVER.key]
    assert inbox.headers[0]["Authorization"] == "Bearer hush"


def test_slack_gets_a_text_without_markup_of_ours() -> None:
    with http_receiver() as inbox:
        assert send("slack", FIRES, ChannelSettings(slack=inbox.address)) == ""
    [body] = inbox.bodies
    assert body["text"].splitlines() == [
        wording.title(FIRES),
        "Since 2026-01-05 12:00 UTC. offsets &lt;0&gt; to 4",
        "Look: payments accept-gap",
        "Runbook: docs/runbooks/PaymentsDataLost.md",
    ]
    assert "Authorization" not in inbox.headers[0]


def test_a_letter_names_alert_and_runbook_and_the_second_answers_the_first() -> None:
    with smtp_receiver() as inbox:
        assert [send("email", each, mail(inbox.address)) for each in (FIRES, OVER)] == ["", ""]
    first, last = letter(inbox, 0), letter(inbox, 1)
    assert first["Subject"].startswith("PAGE: PaymentsDataLost:")
    assert first["To"] == "a@example.com, b@example.com"
    assert "Runbook: docs/runbooks/PaymentsDataLost.md" in first.get_content()
    assert last["Subject"] == "OVER: PaymentsDataLost"
    assert last["In-Reply-To"] == first["Message-ID"]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_an_answer_that_is_none_is_one_line_without_the_address(status: int) -> None:
    with http_receiver() as inbox:
        inbox.answers = [status]
        settings = ChannelSettings(webhook=inbox.address, webhook_token="hush")  # noqa: S106
        assert send("webhook", FIRES, settings) == f"webhook: the receiver answered {status}"
        assert inbox.bodies == []


def test_a_mail_server_that_refuses_is_one_line() -> None:
    with smtp_receiver() as inbox:
        inbox.answers = [451]
        assert send("email", FIRES, mail(inbox.address)) == "email: the mail server answered 451"


def test_a_receiver_that_is_away_is_one_line_without_its_address() -> None:
    port = free_port("127.0.0.1")
    away = ChannelSettings(webhook=f"http://127.0.0.1:{port}/secret", slack=f"http://127.0.0.1:{port}/secret")
    assert send("webhook", FIRES, away) == "webhook: ConnectionRefusedError"
    assert send("slack", FIRES, away) == "slack: ConnectionRefusedError"
    assert send("email", FIRES, mail(f"127.0.0.1:{port}")) == "email: ConnectionRefusedError"
