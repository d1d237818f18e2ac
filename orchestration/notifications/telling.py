"""One round: work out what is to be told, keep that, and try to hand it over.

Belongs here: the order of the steps, so that a death at any moment repeats at most the message that was under way,
under the same key. Does not belong here: each step.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from orchestration.notifications.channel_settings import ChannelSettings
from orchestration.notifications.kept_ledger import keep, kept
from orchestration.notifications.ledger import Firing, Ledger, Message, Waiting, after, tried

ROUND_SECONDS = 30.0
"""A receiver that hangs holds a round up no longer; what is left waits for the next one."""

type Send = Callable[[str, Message, ChannelSettings], str]


def tell(home: Path, settings: ChannelSettings, seen: Firing, now: int, send: Send) -> list[str]:
    """One round. Returns a line for each message: what was told to whom, or why not yet."""
    ledger = after(kept(home), seen, settings.names, now)
    keep(home, ledger)
    lines = []
    deadline = time.monotonic() + ROUND_SECONDS
    for waiting in ledger.waiting:
        if time.monotonic() > deadline:
            break
        trouble = send(waiting.channel, waiting.message, settings)
        again = tried(waiting) if trouble else None
        ledger = _with(ledger, waiting, again)
        keep(home, ledger)
        lines.append(_line(waiting, trouble, again))
    return lines


def _with(ledger: Ledger, waiting: Waiting, again: Waiting | None) -> Ledger:
    rest = tuple(each for each in ledger.waiting if each is not waiting)
    return replace(ledger, waiting=(*rest, again) if again else rest)


def _line(waiting: Waiting, trouble: str, again: Waiting | None) -> str:
    what = f"{waiting.message.alert} {'is over' if waiting.message.is_over else 'fires'}"
    if not trouble:
        return f"{what}: told by {waiting.channel}"
    return f"{what}: not told: {trouble}" + ("; it is tried again" if again else "; it is given up")
