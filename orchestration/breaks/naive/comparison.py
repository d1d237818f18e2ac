"""The money that a naive pipeline and ours have counted, beside what was sent.

Belongs here: the sums, and by how many payments they are wrong. Does not belong here: what ought to be (breaks).
"""

from orchestration.breaks.naive.pipeline import NaivePipeline
from orchestration.scenarios.harness.sandbox import Sandbox
from orchestration.scenarios.harness.transcript import Transcript

AMOUNT_MINOR = 1230
"""What each payment is worth where nothing else is said."""


def counted_too_many(sandbox: Sandbox, transcript: Transcript, naive: NaivePipeline, payments: int) -> tuple[int, int]:
    """Show the sums of so many payments; how many payments too many the naive pipeline counts, and ours."""
    [ours] = sandbox.ask("select sum(amount_minor) as total from {payment_transactions}")
    sums = {"sent": payments * AMOUNT_MINOR, "naive": naive.total(), "ours": int(ours["total"])}
    rows = [(name, f"{total // 100:,}.{total % 100:02} EUR") for name, total in sums.items()]
    transcript.table("Money", ("counted by", "sum"), rows)
    of_naive, of_ours = ((sums[name] - sums["sent"]) // AMOUNT_MINOR for name in ("naive", "ours"))
    return of_naive, of_ours
