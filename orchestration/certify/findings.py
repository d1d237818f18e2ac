"""What a question came to, and what a local stand-in cannot show. Pure.

Belongs here: verdicts and their reasons. Does not belong here: asking (statements, batches).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Of one question. What a stand-in shows is shown of the stand-in alone: the report says which was asked."""

    SHOWN = "shown"
    NOT_SHOWN = "not shown here"
    FAILED = "FAILED"


class Broken(Exception):
    """The warehouse did not do what exactly-once rests on. The message says what it did."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one question came to."""

    question: str
    verdict: Verdict
    detail: str
    seconds: float


STAND_IN_LACKS = {
    "a filter on the partition column reads less": "the stand-in answers every dry run with 0 bytes",
    "a query beyond its bytes is refused": "the stand-in bills nothing",
    "bytes billed are the meter's": "the stand-in bills nothing, and lists no statements of a script",
    "more days than one statement may write are one transaction": "",
}
"""Questions that `local-bigquery` cannot answer, with why; no reason where it answers, and has no such limit."""


def judged(ask: Callable[[], str], question: str, *, is_local: bool, errors: tuple[type[Exception], ...]) -> Finding:
    """Ask, and say what came of it. An error is a failure, but where a stand-in is known to lack what is asked."""
    import time

    clock = time.monotonic()
    lacking = STAND_IN_LACKS.get(question, "") if is_local else ""
    expected: tuple[type[Exception], ...] = (Broken, *errors)
    try:
        detail, verdict = ask(), Verdict.SHOWN
    except expected as error:
        line = " ".join(str(error).split())[:300]
        verdict = Verdict.NOT_SHOWN if lacking else Verdict.FAILED
        detail = f"{lacking}: {line}" if lacking else line
    return Finding(question, verdict, detail, time.monotonic() - clock)
