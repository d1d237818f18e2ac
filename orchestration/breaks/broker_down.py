"""Nobody answers at the broker's address, and then the topic is not there: a run stops, and reads nothing as empty.

Belongs here: the two, and what must hold after each. Does not belong here: how the broker is asked (spark_jobs.source).
"""

from local_stack.processes import free_port
from orchestration.breaks.sight import look, watched
from orchestration.scenarios.harness.proofs import breaks_of
from orchestration.scenarios.harness.sandbox import Sandbox, event
from orchestration.scenarios.harness.transcript import Transcript

MINUTES = 4
"""A broker is to answer within 180 seconds."""


def run(sandbox: Sandbox, transcript: Transcript) -> None:
    """No broker answers, then the topic is missing: the run stops each time, and goes on where it was."""
    from spark_jobs.incidents import Incident
    from spark_jobs.source.topic import BrokerUnreachable

    transcript.step("Publish a payment; two more and a retry wait")
    sandbox.send([event("one")])
    sandbox.drain()
    places = sandbox.send([event("one"), event("two"), event("three")])
    transcript.step("A run, at an address where nobody answers")
    away = ""
    try:
        sandbox.drain(bootstrap_servers=_nobody())
    except BrokerUnreachable as error:
        away = str(error)
        transcript.say(f"It stopped: {away}")
    transcript.say(f"What is seen once that has gone on for {MINUTES} minutes; nobody waits for them here.")
    seen = look(sandbox, transcript, watched(sandbox, MINUTES, broker=away or "it answers"))
    transcript.claim("the run names the setting", True, "KAFKA_BOOTSTRAP_SERVERS" in away)
    transcript.claim("alerts while no broker answers", ["PaymentsBrokerDown"], seen)
    transcript.claim("alerts once it answers", [], look(sandbox, transcript, watched(sandbox, MINUTES)))
    transcript.step("A run, of a topic that does not exist")
    stopped = ""
    try:
        sandbox.drain(topic=f"{sandbox.settings.topic}-misspelt")
    except Incident as incident:
        stopped = str(incident.kind)
        transcript.say(f"It stopped: {incident}")
    transcript.claim("the run stopped", "TOPIC_MISSING", stopped)
    transcript.claim("alerts while the topic is missing", ["PaymentsTopicMissing"], look(sandbox, transcript))
    transcript.step("Address and name are mended, and `payments process` makes the next run")
    sandbox.drain()
    found = sandbox.dispositions()
    transcript.claim("retry and new payments", ["DUPLICATE", "UNIQUE", "UNIQUE"], [found[place] for place in places])
    transcript.claim("alerts after it", [], look(sandbox, transcript, watched(sandbox, MINUTES)))
    transcript.claim("rules of `payments verify` that are broken", [], breaks_of(sandbox))


def _nobody() -> str:
    return f"127.0.0.1:{free_port('127.0.0.1')}"
