"""A run gets too little memory: its worker dies, and nothing of its batch is published. The next one makes it good.

Belongs here: the run that dies, and what must hold after it. Does not belong here: what a batch needs (docs), recovery
(spark_jobs.driver).
"""

import os
import subprocess
import sys
from dataclasses import replace

from orchestration.breaks.sight import look, watched
from orchestration.scenarios.harness.proofs import breaks_of
from orchestration.scenarios.harness.sandbox import Sandbox, event
from orchestration.scenarios.harness.transcript import Transcript

PAYMENTS = 500
TOO_LITTLE = "spark.executor.pyspark.memory 80m\n"
MINUTES = 6
"""Records that wait are to be published within 300 seconds."""
SAYS_SO = ("MemoryError", "Cannot allocate memory", "failed to map segment", "Unable to allocate")
_SECONDS = 300


def run(sandbox: Sandbox, transcript: Transcript) -> None:
    """A run dies for want of memory: nothing of its batch is published, and the next run with memory makes it good."""
    transcript.step(f"Publish a payment; {PAYMENTS} more and a retry wait")
    sandbox.send([event("first")])
    sandbox.drain()
    sandbox.send([event("first"), *(event(f"payment-{number}") for number in range(PAYMENTS))])
    transcript.step("A run whose workers get 80 MB, by the file that PAYMENTS_SPARK_CONF names")
    code, cause = _died(sandbox)
    held = len(sandbox.deliveries())
    transcript.say(f"It ended with code {code}: {cause}. Published are {held} of {PAYMENTS + 2} records.")
    transcript.say(f"What is seen once each run has died for {MINUTES} minutes; nobody waits for them here.")
    seen = look(sandbox, transcript, watched(sandbox, MINUTES))
    transcript.claim("the run died, and memory is the cause", (1, True), (code, bool(cause)))
    transcript.claim("published of its batch", 0, held - 1)
    transcript.claim("alerts", ["PaymentsPublicationOverdue"], seen)
    transcript.step("The workers get their memory back, and `payments process` makes the next run")
    sandbox.drain()
    found = list(sandbox.dispositions().values())
    counts = [found.count("UNIQUE"), found.count("DUPLICATE"), len(found)]
    transcript.claim("UNIQUE, DUPLICATE, delivered", [PAYMENTS + 1, 1, PAYMENTS + 2], counts)
    transcript.claim("alerts after it", [], look(sandbox, transcript, watched(sandbox, MINUTES)))
    transcript.claim("rules of `payments verify` that are broken", [], breaks_of(sandbox))


def _died(sandbox: Sandbox) -> tuple[int, str]:
    """The exit code of a run of its own process, and what its log says of memory."""
    conf = sandbox.folder / "spark.conf"
    conf.write_text(TOO_LITTLE)
    log_file = sandbox.folder / "out-of-memory.log"
    with log_file.open("wb") as log:
        done = subprocess.run(
            [sys.executable, "-m", "spark_jobs.process_payments"],
            env={**os.environ, **replace(sandbox.settings, spark_conf=str(conf)).environment()},
            stdout=log,
            stderr=log,
            check=False,
            timeout=_SECONDS,
        )
    output = log_file.read_text(errors="replace")
    return done.returncode, next((words for words in SAYS_SO if words in output), "")
