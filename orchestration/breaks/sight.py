"""What an operator would see of a broken sandbox: the alerts, and the lines of doctor.

Belongs here: asking as the platform asks, and the watch's looks without its schedule. Does not belong here: what fires
when (notifications), what is overdue when (watch), the words (dashboard).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestration.alerts.runbooks import runbook_of
from orchestration.dashboard.model import Row, plain_rows
from orchestration.dashboard.remedies import findings
from orchestration.dashboard.statements import ALL, INCIDENTS
from orchestration.scenarios.harness.transcript import Transcript

if TYPE_CHECKING:
    from orchestration.scenarios.harness.sandbox import Sandbox
    from orchestration.watch.rules import BuildSeen


def look(sandbox: "Sandbox", transcript: Transcript, health: Sequence[Row] = ()) -> list[str]:
    """Show doctor's lines and the alerts, by the incidents and by these rows of health; the names of the alerts."""
    from orchestration.notifications.firing import HealthRecord, firing
    from orchestration.watch.verdict import judge

    incidents = plain_rows(sandbox.ask(ALL[INCIDENTS].sql, pipeline=sandbox.settings.pipeline))
    for what, message in findings(incidents, health):
        transcript.say(f"payments doctor: {what}: {message}")
    verdict, now = judge(health), datetime.now(UTC)
    record = HealthRecord(tuple(f"{status}: {metric}" for status, metric in verdict.unwell), verdict.words, now)
    fires = firing(record, incidents, now).details
    rows = [(name, detail, runbook_of(name)) for name, detail in fires.items()]
    transcript.table("Alerts that fire", ("alert", "what was seen", "runbook"), rows)
    return list(fires)


def measured(sandbox: "Sandbox") -> tuple[Row, ...]:
    """The rows of pipeline_health, as dbt's view has them now; none where it is not built."""
    from orchestration.verification.warehouse_reads import WarehouseReads

    return plain_rows(WarehouseReads(sandbox.client, sandbox.settings).health_rows())


def watched(sandbox: "Sandbox", minutes: int, *, broker: str = "", is_built: bool = False) -> tuple[Row, ...]:
    """The rows that the watch comes to once it has looked each minute for so long, while nothing moved.

    The broker and the control row are asked once, and nobody waits: the rules are pure, and are told the time.

    Args:
        sandbox: which pipeline.
        minutes: how long it goes on.
        broker: what a broker that is away has said; empty: it answers.
        is_built: whether a build has had all that is published.
    """
    from orchestration.automation.backlog import Published
    from orchestration.resources.broker import BrokerReader
    from orchestration.settings import read_stack_settings
    from orchestration.watch.look import due_times
    from orchestration.watch.rules import LOOK_EVERY, Observation, Seen, continued, observe
    from orchestration.watch.verdict import rows_before_the_first_build

    due = due_times(read_stack_settings(sandbox.settings.environment()))
    job, control, at = sandbox.settings, sandbox.control(), datetime.now(UTC)
    seen = Seen(
        published=Published(control.topic_id, control.end_offsets),
        last_batch=control.last_batch_id,
        topic=None if broker else BrokerReader(job.bootstrap_servers, job.topic).read(),
        broker=broker or "it answers",
        sensors=(),
        build=_build(control.last_batch_id, at) if is_built else None,
    )
    rows: list[Observation] = []
    for minute in range(minutes + 1):
        now = at + minute * LOOK_EVERY
        rows = observe(seen, continued(rows, now), due, now)
    return plain_rows(rows_before_the_first_build(rows, now))


def _build(last_batch: int, at: datetime) -> "BuildSeen":
    from orchestration.watch.rules import BuildSeen

    return BuildSeen("build", last_batch, last_batch, at, at, at)
