"""The field's five disasters of deduplication, each made by a naive pipeline, and the same records through ours.

Belongs here: the disasters and what each comes to. Does not belong here: the naive pipeline (naive), a crash between
a write and the memory of it (breaks).
"""

import json
import shutil
from itertools import count

from orchestration.breaks.naive.comparison import counted_too_many
from orchestration.breaks.naive.pipeline import BATCH, Died, NaivePipeline, Payment
from orchestration.breaks.sight import look
from orchestration.scenarios.harness.proofs import breaks_of
from orchestration.scenarios.harness.sandbox import Sandbox, event
from orchestration.scenarios.harness.transcript import Transcript

PAYMENTS, RETRIES = 300, 30
HOURS = 4
RESTARTS = 3


def no_watermark(sandbox: Sandbox, transcript: Transcript) -> None:
    """No watermark: what a pipeline remembers grows for ever; ours forgets what can no longer come in time."""
    naive = NaivePipeline(sandbox, key=_id)
    sizes: list[int] = []
    for hour in reversed(range(HOURS)):
        transcript.step(f"{PAYMENTS} payments of {hour} h ago come, and each pipeline reads them")
        sandbox.send([event(f"payment-{hour}-{number}", 60 * hour) for number in range(PAYMENTS)])
        naive.run()
        sizes += [report.state_keys for report in sandbox.drain()]
        transcript.say(f"The naive pipeline remembers {len(naive.seen())} ids, ours {sizes[-1]}.")
    transcript.claim("the naive pipeline remembers every id there ever was", HOURS * PAYMENTS, len(naive.seen()))
    transcript.claim("ours remembers fewer, and no more from hour to hour", True, max(sizes) < HOURS * PAYMENTS)
    _prove(sandbox, transcript, naive, HOURS * PAYMENTS, too_many=0)


def no_deduplication(sandbox: Sandbox, transcript: Transcript) -> None:
    """No deduplication: each retry is a payment more; ours keeps it as a DUPLICATE."""
    naive = NaivePipeline(sandbox)
    _send_with_retries(sandbox, transcript)
    naive.run()
    sandbox.drain()
    _prove(sandbox, transcript, naive, PAYMENTS, too_many=RETRIES)


def checkpoint_not_persistent(sandbox: Sandbox, transcript: Transcript) -> None:
    """A checkpoint that does not last: after a restart all counts again; ours asks the warehouse how far it is."""
    naive = NaivePipeline(sandbox, key=_id)
    _send_with_retries(sandbox, transcript)
    naive.run()
    sandbox.drain()
    transcript.step("Both are started anew on another machine: what they kept on their disk is gone")
    naive.lose_its_disk()
    shutil.rmtree(sandbox.folder / "checkpoints")
    sandbox.send([event("after-the-restart")])
    naive.run()
    sandbox.drain()
    _prove(sandbox, transcript, naive, PAYMENTS + 1, too_many=PAYMENTS)


def deduplication_after_enrichment(sandbox: Sandbox, transcript: Transcript) -> None:
    """Deduplication after enrichment: a retry that is enriched otherwise is another payment; ours judges ids first."""
    rates = count(1)

    def with_a_rate(payment: Payment) -> Payment:
        return payment | {"rate_at_processing": next(rates)}

    naive = NaivePipeline(sandbox, key=lambda payment: json.dumps(payment, sort_keys=True), enrich=with_a_rate)
    _send_with_retries(sandbox, transcript)
    transcript.say("The naive pipeline adds the exchange rate of the moment, then holds whole payments against others.")
    naive.run()
    sandbox.drain()
    _prove(sandbox, transcript, naive, PAYMENTS, too_many=RETRIES)


def state_above_memory(sandbox: Sandbox, transcript: Transcript) -> None:
    """A state above the memory: the process dies, starts and dies; ours keeps its ids in files, and gets on."""
    naive = NaivePipeline(sandbox, key=_id, most_keys=BATCH)
    _send_with_retries(sandbox, transcript)
    deaths = 0
    for _ in range(RESTARTS):
        try:
            naive.run()
        except Died:
            deaths += 1
    transcript.say(f"With room for {BATCH} ids the naive pipeline died at {deaths} of {RESTARTS} starts.")
    sandbox.drain()
    transcript.claim("the naive pipeline died at each start", RESTARTS, deaths)
    _prove(sandbox, transcript, naive, PAYMENTS, too_many=BATCH - PAYMENTS)


def _id(payment: Payment) -> str:
    return str(payment["transaction_id"])


def _send_with_retries(sandbox: Sandbox, transcript: Transcript) -> None:
    transcript.step(f"{PAYMENTS} payments of 12.30 EUR come, and {RETRIES} of them again; each pipeline reads them")
    sandbox.send([event(f"payment-{number}") for number in range(PAYMENTS)])
    sandbox.send([event(f"payment-{number}") for number in range(RETRIES)])


def _prove(sandbox: Sandbox, transcript: Transcript, naive: NaivePipeline, payments: int, *, too_many: int) -> None:
    """Show the money of both beside what was sent. `too_many` is by how many payments the naive pipeline is wrong."""
    of_naive, of_ours = counted_too_many(sandbox, transcript, naive, payments)
    transcript.claim("alerts of ours", [], look(sandbox, transcript))
    transcript.claim("payments that the naive pipeline counts too many", too_many, of_naive)
    transcript.claim("payments that ours counts too many", 0, of_ours)
    transcript.claim("rules of `payments verify` that are broken", [], breaks_of(sandbox))
