"""Duplicates of every kind: what each looks like, how it is found, and that its money counts once.

Belongs here: the kinds and what each must become. Does not belong here: how ids are remembered
(spark_jobs.deduplication), deciding a conflict (spark_jobs.corrections).
"""

from dataclasses import dataclass, field

from orchestration.scenarios.harness.sandbox import Sandbox, event
from orchestration.scenarios.harness.transcript import Transcript
from spark_jobs.contract.payment_event import Disposition
from spark_jobs.tables.correction_kinds import Correction
from spark_jobs.tables.row_types import Place

_MINOR = 1230
"""What a payment is worth where nothing else is said."""


_MINUTES = 10
"""How long ago the payments were made."""


@dataclass(frozen=True, slots=True)
class DuplicateKind:
    """A payment and its second delivery; `again` is what that says otherwise."""

    name: str
    payment: str
    found: str
    minutes_again: float = _MINUTES
    again: dict[str, str] = field(default_factory=dict)


WITHIN = (
    DuplicateKind("exact retry in the same batch", "same-batch", "the earliest of the batch counts"),
    DuplicateKind("other amount in the same batch", "conflict-within", "kept as a conflict", again={"amount": "20.00"}),
)
ACROSS = (
    DuplicateKind("exact retry in a later batch", "later-batch", "the stream's state"),
    DuplicateKind("made anew: other event_time", "made-anew", "the stream's state", minutes_again=1),
    DuplicateKind("same id, other amount", "conflict", "kept as a conflict", again={"amount": "99.30"}),
    DuplicateKind(
        "made anew when the state has forgotten it", "forgotten", "the warehouse's exact check", minutes_again=0
    ),
)


def run(sandbox: Sandbox, transcript: Transcript) -> None:
    """Duplicates of every kind, also beyond the window: each is found and kept, and counts once; conflicts are held."""
    transcript.step("First deliveries, and two duplicates beside them")
    # Each batch moves the watermark; after 3 h the state no longer knows what came first.
    sandbox.send([event("forgotten", 200)])
    sandbox.drain()
    for name, minutes_ago in (("mover", 60), ("newest", 0)):
        sandbox.send([event(name, minutes_ago)])
        sandbox.drain()
    exact = {kind.payment: event(kind.payment, 10) for kind in (*WITHIN, *ACROSS)}
    sandbox.send(exact[kind.payment] for kind in ACROSS if kind.payment != "forgotten")
    # The conflicting one has the later event_time: of one batch the earliest counts.
    within = [value for kind in WITHIN for value in (exact[kind.payment], _again(kind, exact))]
    second = {kind.payment: place for kind, place in zip(WITHIN, sandbox.send(within)[1::2], strict=True)}
    [together] = sandbox.drain()
    transcript.claim("the duplicates of one batch were in one batch", len(within) + len(ACROSS) - 1, together.delivered)
    transcript.say("Published: forgotten (3 h 20 min ago), then the others, of 10 min ago, and one of now.")

    transcript.step("Second deliveries")
    sent = sandbox.send(_again(kind, exact) for kind in ACROSS)
    sandbox.drain()
    _show(sandbox, transcript, second | {kind.payment: place for kind, place in zip(ACROSS, sent, strict=True)})


def _again(kind: DuplicateKind, exact: dict[str, bytes]) -> bytes:
    is_exact = not kind.again and kind.minutes_again == _MINUTES
    return exact[kind.payment] if is_exact else event(kind.payment, kind.minutes_again, **kind.again)


def _show(sandbox: Sandbox, transcript: Transcript, second: dict[str, Place]) -> None:
    from spark_jobs.corrections.conflicts import conflicts

    found = sandbox.dispositions()
    rows = [(kind.name, kind.payment, found[second[kind.payment]], kind.found) for kind in (*WITHIN, *ACROSS)]
    transcript.table("What the second delivery became", ("kind", "payment", "became", "found by"), rows)
    disputed = {c.transaction_id: c.exposure() for c in conflicts(sandbox.client, sandbox.settings)}
    stakes = [(name, currency, minor) for name, stake in disputed.items() for currency, minor in stake.items()]
    transcript.table(
        "Same id, other payload: `payments resolve` decides", ("payment", "currency", "at stake, minor units"), stakes
    )

    for kind in (*WITHIN, *ACROSS):
        transcript.claim(f"{kind.name} is a DUPLICATE", str(Disposition.DUPLICATE), found[second[kind.payment]])
    ids = {kind.payment for kind in (*WITHIN, *ACROSS)} | {"mover", "newest"}
    counted = sandbox.ask("select transaction_id, amount_minor from {payment_transactions}")
    transcript.claim("every payment counts once", sorted(ids), sorted(row["transaction_id"] for row in counted))
    transcript.claim("its money counts once", _MINOR * len(ids), sum(row["amount_minor"] for row in counted))
    transcript.claim(
        "conflicts show the money at stake", {"conflict": {"EUR": 8700}, "conflict-within": {"EUR": 770}}, disputed
    )
    corrections = sandbox.ask("select transaction_id, kind from {payment_corrections}")
    transcript.claim(
        "what the state had forgotten is a visible correction",
        [("forgotten", str(Correction.RETRACTED_DUPLICATE))],
        [(row["transaction_id"], row["kind"]) for row in corrections],
    )
    transcript.claim("every record sent is delivered once", 2 * len(ids) - 2, len(found))
