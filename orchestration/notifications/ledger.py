"""What was told already, and what is to be told now: pure, so that a restart changes nothing.

Belongs here: the states of an alert, and the messages that follow from them. Does not belong here: what fires (firing),
sending (channels), the file (kept_ledger).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestration.alerts.catalog import ALERTS, Alert

QUIET_MINUTES = 2
"""How long a told alert has to be quiet until it is over: a value on the edge is one incident."""

MOST_TRIES = 60
"""How often a message is tried, one try a minute, until it is given up: a receiver that is away for longer is dead."""


@dataclass(frozen=True, slots=True)
class Firing:
    """What fires now, with a detail each, and of which alerts that is not known now: those stay as they are."""

    details: Mapping[str, str]
    unknown: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `key` is the same for each try, so that a receiver can tell a second one."""

    key: str
    alert: str
    is_over: bool
    detail: str
    since: int
    at: int


@dataclass(frozen=True, slots=True)
class FiringAlert:
    """An alert that fires: since when, in epoch seconds; whether it was told; since when it has been quiet."""

    since: int
    detail: str
    is_told: bool = False
    quiet_since: int | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that a channel has not taken yet."""

    channel: str
    message: Message
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is kept: the alerts that fire, and the messages that wait."""

    firing: Mapping[str, FiringAlert] = field(default_factory=dict)
    waiting: tuple[Waiting, ...] = ()


def after(ledger: Ledger, seen: Firing, channels: Sequence[str], now: int) -> Ledger:
    """The ledger after a look: messages that are due wait for each channel. `now` is in epoch seconds."""
    kept: dict[str, FiringAlert] = {}
    messages: list[Message] = []
    for alert in ALERTS:
        known = ledger.firing.get(alert.name)
        if alert.name in seen.details:
            kept[alert.name], begun = _goes_on(alert, known, seen.details[alert.name], now)
            messages += begun
        elif known and alert.name in seen.unknown:
            kept[alert.name] = known
        elif known and known.is_told:
            quiet = known if known.quiet_since is not None else replace(known, quiet_since=now)
            if now - (quiet.quiet_since or now) < 60 * QUIET_MINUTES:
                kept[alert.name] = quiet
            else:
                messages.append(_message(alert.name, quiet, now, is_over=True))
    new = tuple(Waiting(channel, message) for message in messages for channel in channels)
    # What waits for a channel that is no longer set would never leave.
    waiting = tuple(each for each in (*ledger.waiting, *new) if each.channel in channels)
    return Ledger(kept, waiting)


def _goes_on(alert: Alert, known: FiringAlert | None, detail: str, now: int) -> tuple[FiringAlert, list[Message]]:
    known = replace(known or FiringAlert(now, detail), detail=detail, quiet_since=None)
    if known.is_told or now - known.since < 60 * alert.minutes:
        return known, []
    known = replace(known, is_told=True)
    return known, [_message(alert.name, known, now, is_over=False)]


def _message(name: str, known: FiringAlert, now: int, *, is_over: bool) -> Message:
    key = f"{name}-{known.since}-{'over' if is_over else 'fires'}"
    return Message(key, name, is_over, known.detail, known.since, now)


def tried(waiting: Waiting) -> Waiting | None:
    """What becomes of a message that a channel did not take: another try, or None where it is given up."""
    again = replace(waiting, tries=waiting.tries + 1)
    return again if again.tries < MOST_TRIES else None
