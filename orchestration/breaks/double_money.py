"""The same payments and the same death, for a naive pipeline and for ours: one counts money twice.

Belongs here: the comparison. Does not belong here: the naive pipeline (naive), killing (scenarios).
"""

from orchestration.breaks.naive.pipeline import BATCH, Died, NaivePipeline
from orchestration.breaks.sight import look
from orchestration.scenarios.exactly_once import killed_at
from orchestration.scenarios.harness.proofs import breaks_of
from orchestration.scenarios.harness.sandbox import Sandbox, event
from orchestration.scenarios.harness.transcript import Transcript

PAYMENTS, RETRIES, AMOUNT_MINOR = 400, 20, 1230


def run(sandbox: Sandbox, transcript: Transcript) -> None:
    """A naive pipeline and ours die after a write: the naive one counts its money twice, ours does not."""
    from spark_jobs.crash_points import Point

    transcript.step(f"Send {PAYMENTS} payments of 12.30 EUR, and {RETRIES} of them again")
    sandbox.send([event(f"payment-{number}") for number in range(PAYMENTS)])
    sandbox.send([event(f"payment-{number}") for number in range(RETRIES)])
    transcript.step("The naive pipeline dies after the write of its second batch, and is started again")
    naive = NaivePipeline(sandbox)
    try:
        naive.run(dies_in_batch=2)
    except Died:
        transcript.say("It died.")
    naive.run()
    transcript.step("Our run is killed after the commit of its second batch, and the next one goes on")
    code = killed_at(sandbox, Point.COMMIT_ANSWERED, BATCH)
    transcript.say(f"It ended with code {code}.")
    sandbox.drain()
    [ours] = sandbox.ask("select sum(amount_minor) as total from {payment_transactions}")
    sums = {"sent": PAYMENTS * AMOUNT_MINOR, "naive": naive.total(), "ours": int(ours["total"])}
    rows = [(name, f"{total // 100:,}.{total % 100:02} EUR") for name, total in sums.items()]
    transcript.table("Money", ("counted by", "sum"), rows)
    transcript.say("Nobody sees it in the naive table: no row is wrong by itself, and nothing is compared.")
    transcript.claim("our run was killed", True, code < 0)
    transcript.claim("the naive pipeline counts retries and a batch twice", RETRIES + BATCH, _too_many(sums["naive"]))
    transcript.claim("ours counts too many", 0, _too_many(sums["ours"]))
    transcript.claim("alerts", [], look(sandbox, transcript))
    transcript.claim("rules of `payments verify` that are broken", [], breaks_of(sandbox))


def _too_many(total: int) -> int:
    """How many payments too many such a sum is."""
    return (total - PAYMENTS * AMOUNT_MINOR) // AMOUNT_MINOR
