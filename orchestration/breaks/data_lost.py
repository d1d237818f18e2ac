"""The broker deletes records that were never read, as a retention that is too short does it.

Belongs here: the loss, and what must hold before and after it is accepted. Does not belong here: accepting
(spark_jobs.corrections).
"""

from collections.abc import Mapping
from contextlib import closing

from orchestration.breaks.sight import look
from orchestration.scenarios.harness.proofs import breaks_of
from orchestration.scenarios.harness.sandbox import Sandbox, event
from orchestration.scenarios.harness.transcript import Transcript


def run(sandbox: Sandbox, transcript: Transcript) -> None:
    """Unread records are deleted from the topic: the run stops and names them, until somebody accepts the loss."""
    from spark_jobs.corrections.accepted_gaps import accept_gap
    from spark_jobs.incidents import Incident
    from spark_jobs.source.topic import TopicReader, lost_offsets

    job = sandbox.settings
    transcript.step("Publish two payments; four more wait, and the broker deletes them")
    sandbox.send([event("one"), event("two")])
    sandbox.drain()
    sandbox.send([event(f"lost-{number}") for number in range(4)])
    [kept] = sandbox.send([event("three")])
    delete_before(sandbox, {0: 6})
    transcript.step("A run")
    stopped = ""
    try:
        sandbox.drain()
    except Incident as incident:
        stopped = str(incident.kind)
        transcript.say(f"It stopped: {incident}")
    seen = look(sandbox, transcript)
    transcript.claim("the run stopped", "OFFSETS_LOST", stopped)
    transcript.claim("alerts", ["PaymentsDataLost"], seen)
    transcript.step("The loss is accepted, as `payments accept-gap --yes` does it, and the next run")
    with TopicReader(job.bootstrap_servers, job.topic) as reader:
        lost = lost_offsets(sandbox.control().end_offsets, reader.read())
    accept_gap(sandbox.client, job, sandbox.control(), lost, accepted_by="operator", reason="retention")
    sandbox.drain()
    transcript.claim("offsets that were accepted as lost", {0: (2, 6)}, lost)
    transcript.claim("what came behind them", "UNIQUE", sandbox.dispositions()[kept])
    transcript.claim("alerts after it", [], look(sandbox, transcript))
    transcript.claim("rules of `payments verify` that are broken", [], breaks_of(sandbox))


def delete_before(sandbox: Sandbox, offsets: Mapping[int, int]) -> None:
    """Retention: the broker deletes all records before these offsets, by partition."""
    from kafka import TopicPartition

    from spark_jobs.source.connection import admin_client

    with closing(admin_client(sandbox.settings.bootstrap_servers)) as admin:
        admin.delete_records({TopicPartition(sandbox.settings.topic, at): offset for at, offset in offsets.items()})
