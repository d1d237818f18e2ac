"""Where notifications go, and the one line for a wrong setting, which repeats no secret."""

from pathlib import Path

import pytest

from orchestration.notifications.channel_settings import Mail, read_channel_settings
from spark_jobs.settings import SettingError

MAIL = {"PAYMENTS_ALERT_SMTP": "mail.example.com:587", "PAYMENTS_ALERT_EMAIL_TO": "a@example.com, b@example.com"}
HOOK = "https://hooks.example.com/services/T0/B0/secret"


def test_nothing_is_told_where_nothing_is_set() -> None:
    assert read_channel_settings({}).names == ()


def test_channels_are_those_that_are_set() -> None:
    settings = read_channel_settings({**MAIL, "PAYMENTS_ALERT_WEBHOOK_URL": HOOK, "PAYMENTS_ALERT_SLACK_URL": HOOK})
    assert settings.names == ("webhook", "slack", "email")
    assert settings.mail == Mail(
        "mail.example.com", 587, "starttls", "a@example.com", ("a@example.com", "b@example.com")
    )


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text(f"{HOOK}\n")
    assert read_channel_settings({"PAYMENTS_ALERT_SLACK_URL_FILE": str(tmp_path / "hook")}).slack == HOOK


def test_no_secret_is_shown_where_settings_are_printed() -> None:
    env = {
        **MAIL,
        "PAYMENTS_ALERT_SLACK_URL": HOOK,
        "PAYMENTS_ALERT_WEBHOOK_TOKEN": "hush",
        "PAYMENTS_ALERT_SMTP_PASSWORD": "hush",
    }
    shown = repr(read_channel_settings(env))
    assert "hush" not in shown
    assert "secret" not in shown


@pytest.mark.parametrize(
    ("name", "env"),
    [
        ("SLACK_URL", {"PAYMENTS_ALERT_SLACK_URL": "hooks.example.com/secret"}),
        ("SLACK_URL", {"PAYMENTS_ALERT_SLACK_URL": HOOK, "PAYMENTS_ALERT_SLACK_URL_FILE": "secret"}),
        ("SLACK_URL_FILE", {"PAYMENTS_ALERT_SLACK_URL_FILE": "nowhere"}),
        ("WEBHOOK_URL", {"PAYMENTS_ALERT_WEBHOOK_URL": "file:///secret"}),
        ("RUNBOOKS_URL", {"PAYMENTS_ALERT_RUNBOOKS_URL": "docs"}),
        ("EMAIL_TO", {"PAYMENTS_ALERT_SMTP": "mail.example.com:25"}),
        ("SMTP", {"PAYMENTS_ALERT_EMAIL_TO": "a@example.com"}),
        ("SMTP", {**MAIL, "PAYMENTS_ALERT_SMTP": "mail.example.com"}),
        ("SMTP_TLS", {**MAIL, "PAYMENTS_ALERT_SMTP_TLS": "ssl"}),
        ("SMTP_TLS", {**MAIL, "PAYMENTS_ALERT_SMTP_TLS": "none", "PAYMENTS_ALERT_SMTP_USER": "a"}),
        ("EMAIL_TO", {**MAIL, "PAYMENTS_ALERT_EMAIL_TO": "nobody"}),
        ("EMAIL_FROM", {**MAIL, "PAYMENTS_ALERT_EMAIL_FROM": "a@example.com\nBcc: b@example.com"}),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(name: str, env: dict[str, str]) -> None:
    with pytest.raises(SettingError) as caught:
        read_channel_settings(env)
    assert f"PAYMENTS_ALERT_{name}" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
