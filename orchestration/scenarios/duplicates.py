"""Duplicates of every kind: what each looks like, how it is found, and that its money counts once.

Belongs here: the kinds and what each must become. Does not belong here: how ids are remembered
(spark_jobs/dedup_state.py), deciding a conflict (spark_jobs/conflicts.py).
"""

from dataclasses import dataclass, field

from orchestration.scenarios.harness.sandbox import Corner, Place, event
from orchestration.scenarios.harness.transcript import Story
from spark_jobs.contract.payment_event import Disposition
from spark_jobs.tables.correction_kinds import Correction

_MINOR = 1230
"""What a payment is worth where nothing else is said."""


_MINUTES = 10
"""How long ago the payments were made."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A payment and its second delivery; `again` is what that says otherwise."""

    name: str
    payment: str
    found: str
    minutes_again: float = _MINUTES
    again: dict[str, str] = field(default_factory=dict)


WITHIN = (
    Kind("exact retry in the same batch", "same-batch", "the earliest of the batch counts"),
    Kind("other amount in the same batch", "conflict-within", "kept as a conflict", again={"amount": "20.00"}),
)
ACROSS = (
    Kind("exact retry in a later batch", "later-batch", "the stream's state"),
    Kind("made anew: other event_time", "made-anew", "the stream's state", minutes_again=1),
    Kind("same id, other amount", "conflict", "kept as a conflict", again={"amount": "99.30"}),
    Kind("made anew when the state has forgotten it", "forgotten", "the warehouse's exact check", minutes_again=0),
)


def run(corner: Corner, story: Story) -> None:
    """Duplicates of every kind, also beyond the window: each is found and kept, and counts once; conflicts are held."""
    story.step("First deliveries, and two duplicates beside them")
    # Each batch moves the watermark; after 3 h the state no longer knows what came first.
    corner.send([event("forgotten", 200)])
    corner.drain()
    for name, minutes_ago in (("mover", 60), ("newest", 0)):
        corner.send([event(name, minutes_ago)])
        corner.drain()
    exact = {kind.payment: event(kind.payment, 10) for kind in (*WITHIN, *ACROSS)}
    corner.send(exact[kind.payment] for kind in ACROSS if kind.payment != "forgotten")
    # The conflicting one has the later event_time: of one batch the earliest counts.
    within = [value for kind in WITHIN for value in (exact[kind.payment], _again(kind, exact))]
    second = {kind.payment: place for kind, place in zip(WITHIN, corner.send(within)[1::2], strict=True)}
    [together] = corner.drain()
    story.claim("the duplicates of one batch were in one batch", len(within) + len(ACROSS) - 1, together.delivered)
    story.say("Published: forgotten (3 h 20 min ago), then the others, of 10 min ago, and one of now.")

    story.step("Second deliveries")
    sent = corner.send(_again(kind, exact) for kind in ACROSS)
    corner.drain()
    _tell(corner, story, second | {kind.payment: place for kind, place in zip(ACROSS, sent, strict=True)})


def _again(kind: Kind, exact: dict[str, bytes]) -> bytes:
    is_exact = not kind.again and kind.minutes_again == _MINUTES
    return exact[kind.payment] if is_exact else event(kind.payment, kind.minutes_again, **kind.again)


def _tell(corner: Corner, story: Story, second: dict[str, Place]) -> None:
    from spark_jobs.corrections.conflicts import conflicts

    found = corner.dispositions()
    rows = [(kind.name, kind.payment, found[second[kind.payment]], kind.found) for kind in (*WITHIN, *ACROSS)]
    story.table("What the second delivery became", ("kind", "payment", "became", "found by"), rows)
    disputed = {c.transaction_id: c.exposure() for c in conflicts(corner.client, corner.settings)}
    stakes = [(name, currency, minor) for name, stake in disputed.items() for currency, minor in stake.items()]
    story.table(
        "Same id, other payload: `payments resolve` decides", ("payment", "currency", "at stake, minor units"), stakes
    )

    for kind in (*WITHIN, *ACROSS):
        story.claim(f"{kind.name} is a DUPLICATE", str(Disposition.DUPLICATE), found[second[kind.payment]])
    ids = {kind.payment for kind in (*WITHIN, *ACROSS)} | {"mover", "newest"}
    counted = corner.ask("select transaction_id, amount_minor from {payment_transactions}")
    story.claim("every payment counts once", sorted(ids), sorted(row["transaction_id"] for row in counted))
    story.claim("its money counts once", _MINOR * len(ids), sum(row["amount_minor"] for row in counted))
    story.claim(
        "conflicts show the money at stake", {"conflict": {"EUR": 8700}, "conflict-within": {"EUR": 770}}, disputed
    )
    corrections = corner.ask("select transaction_id, kind from {payment_corrections}")
    story.claim(
        "what the state had forgotten is a visible correction",
        [("forgotten", str(Correction.RETRACTED_DUPLICATE))],
        [(row["transaction_id"], row["kind"]) for row in corrections],
    )
    story.claim("every record sent is delivered once", 2 * len(ids) - 2, len(found))
