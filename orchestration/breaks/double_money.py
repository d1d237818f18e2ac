"""The same payments and the same death, for a naive pipeline and for ours: one counts money twice.

Belongs here: the comparison. Does not belong here: the naive pipeline (naive), killing (scenarios).
"""

from orchestration.breaks.naive.comparison import counted_too_many
from orchestration.breaks.naive.pipeline import BATCH, Died, NaivePipeline
from orchestration.breaks.sight import look
from orchestration.scenarios.exactly_once import killed_at
from orchestration.scenarios.harness.proofs import breaks_of
from orchestration.scenarios.harness.sandbox import Sandbox, event
from orchestration.scenarios.harness.transcript import Transcript

PAYMENTS, RETRIES = 400, 20


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
    of_naive, of_ours = counted_too_many(sandbox, transcript, naive, PAYMENTS)
    transcript.say("Nobody sees it in the naive table: no row is wrong by itself, and nothing is compared.")
    transcript.claim("our run was killed", True, code < 0)
    transcript.claim("the naive pipeline counts retries and a batch twice", RETRIES + BATCH, of_naive)
    transcript.claim("ours counts too many", 0, of_ours)
    transcript.claim("alerts", [], look(sandbox, transcript))
    transcript.claim("rules of `payments verify` that are broken", [], breaks_of(sandbox))
