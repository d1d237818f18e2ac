"""A checkpoint is cut short, as a full disk does it: it is noticed, rebuilt, and knows what was published.

Belongs here: the damage, and what must hold after it. Does not belong here: rebuilding (spark_jobs.driver).
"""

from orchestration.breaks.sight import look
from orchestration.scenarios.harness.proofs import breaks_of
from orchestration.scenarios.harness.sandbox import Sandbox, event
from orchestration.scenarios.harness.transcript import Transcript


def run(sandbox: Sandbox, transcript: Transcript) -> None:
    """A checkpoint is cut short: the next run rebuilds it from the warehouse, and a retry stays a duplicate."""
    transcript.step("Publish three payments")
    sandbox.send([event(f"payment-{number}") for number in range(3)])
    sandbox.drain()
    before = sandbox.control().generation
    transcript.step("Cut the newest offsets of the checkpoint short")
    folder = sandbox.folder / "checkpoints" / sandbox.settings.pipeline / before / "spark/offsets"
    newest = max((path for path in folder.iterdir() if path.name.isdecimal()), key=lambda path: int(path.name))
    newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])
    transcript.say(f"{newest.name} of generation {before} has lost its second half.")
    transcript.step("A retry of an old payment and a new payment come, and a run")
    retry, new = sandbox.send([event("payment-0"), event("payment-3")])
    sandbox.drain()
    found = sandbox.dispositions()
    transcript.say(f"The run went on with generation {sandbox.control().generation}.")
    seen = look(sandbox, transcript)
    transcript.claim("the checkpoint is another one", True, sandbox.control().generation != before)
    transcript.claim("retry and new payment", ["DUPLICATE", "UNIQUE"], [found[retry], found[new]])
    transcript.claim("alerts", ["PaymentsCheckpointRebuilt"], seen)
    transcript.claim("rules of `payments verify` that are broken", [], breaks_of(sandbox))
