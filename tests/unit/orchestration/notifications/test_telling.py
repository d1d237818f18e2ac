"""Rounds of telling, with restarts and receivers that fail: nothing is told twice, nothing is forgotten."""

from pathlib import Path

import pytest

from orchestration.notifications.channel_settings import ChannelSettings
from orchestration.notifications.channels import send
from orchestration.notifications.ledger import MOST_TRIES, Firing, Message
from orchestration.notifications.telling import tell
from tests.unit.orchestration.notifications.receivers import http_receiver

ALERT = "PaymentsDataLost"
FIRES, QUIET = Firing({ALERT: "offsets 0 to 4"}), Firing({})
SLACK_AND_HOOK = ChannelSettings(webhook="https://example.com/secret", slack="https://example.com/secret")


class Receiver:
    """Takes a message, or not, by channel; it keeps those that it took."""

    def __init__(self) -> None:
        self.away: set[str] = set()
        self.taken: list[tuple[str, str]] = []
        self.tries = 0

    def __call__(self, channel: str, message: Message, _settings: ChannelSettings) -> str:
        self.tries += 1
        if channel in self.away:
            return f"{channel}: away"
        self.taken.append((channel, message.key))
        return ""


def rounds(home: Path, receiver: Receiver, looks: list[Firing], first: int = 0) -> list[str]:
    """One round a minute. Nothing is kept between them but the file, as after a restart."""
    return [
        line
        for minute, look in enumerate(looks, first)
        for line in tell(home, SLACK_AND_HOOK, look, 60 * minute, receiver)
    ]


def test_each_channel_is_told_once_that_it_fires_and_once_that_it_is_over(tmp_path: Path) -> None:
    receiver = Receiver()
    lines = rounds(tmp_path, receiver, [FIRES] * 10 + [QUIET] * 10)
    assert receiver.taken == [
        (channel, f"{ALERT}-0-{what}") for what in ("fires", "over") for channel in ("webhook", "slack")
    ]
    assert lines[0] == f"{ALERT} fires: told by webhook"


def test_a_channel_that_is_away_gets_it_later_and_the_other_no_second_time(tmp_path: Path) -> None:
    receiver = Receiver()
    receiver.away = {"slack"}
    rounds(tmp_path, receiver, [FIRES] * 4)
    receiver.away = set()
    rounds(tmp_path, receiver, [FIRES] * 4, 4)
    assert receiver.taken == [("webhook", f"{ALERT}-0-fires"), ("slack", f"{ALERT}-0-fires")]


def test_a_channel_that_stays_away_is_given_up(tmp_path: Path) -> None:
    receiver = Receiver()
    receiver.away = {"webhook", "slack"}
    lines = rounds(tmp_path, receiver, [FIRES] * 3 * MOST_TRIES)
    assert receiver.tries == 2 * MOST_TRIES
    assert lines[-1] == f"{ALERT} fires: not told: slack: away; it is given up"
    assert not [line for line in lines if "secret" in line]


def test_a_death_while_a_message_is_under_way_repeats_it_under_the_same_key(tmp_path: Path) -> None:
    receiver = Receiver()

    def killed(channel: str, message: Message, settings: ChannelSettings) -> str:
        receiver(channel, message, settings)
        raise KeyboardInterrupt

    rounds(tmp_path, receiver, [FIRES])
    with pytest.raises(KeyboardInterrupt):
        tell(tmp_path, SLACK_AND_HOOK, FIRES, 60, killed)
    rounds(tmp_path, receiver, [FIRES] * 3, 2)
    assert receiver.taken == [("webhook", f"{ALERT}-0-fires")] * 2 + [("slack", f"{ALERT}-0-fires")]


def test_a_real_receiver_that_answers_500_at_first_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with http_receiver() as inbox:
        inbox.answers = [500, 500]
        settings = ChannelSettings(webhook=inbox.address)
        for minute in range(8):
            tell(tmp_path, settings, FIRES, 60 * minute, send)
        for minute in range(8, 12):
            tell(tmp_path, settings, QUIET, 60 * minute, send)
    assert [body["status"] for body in inbox.bodies] == ["firing", "resolved"]
