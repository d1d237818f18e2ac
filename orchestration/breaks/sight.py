"""What an operator would see of a broken sandbox: the alerts, and the lines of doctor.

Belongs here: asking as the platform asks. Does not belong here: what fires when (notifications), the words (dashboard).
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestration.alerts.runbooks import runbook_of
from orchestration.dashboard.model import plain_rows
from orchestration.dashboard.remedies import findings
from orchestration.dashboard.statements import ALL, INCIDENTS
from orchestration.scenarios.harness.transcript import Transcript

if TYPE_CHECKING:
    from orchestration.scenarios.harness.sandbox import Sandbox


def look(sandbox: "Sandbox", transcript: Transcript) -> list[str]:
    """Show doctor's lines and the alerts by the incidents; the names of the alerts."""
    from orchestration.notifications.firing import firing

    incidents = plain_rows(sandbox.ask(ALL[INCIDENTS].sql, pipeline=sandbox.settings.pipeline))
    for what, said in findings(incidents, ()):
        transcript.say(f"payments doctor: {what}: {said}")
    fires = firing(None, incidents, datetime.now(UTC)).details
    rows = [(name, detail, runbook_of(name)) for name, detail in fires.items()]
    transcript.table("Alerts that fire", ("alert", "what was seen", "runbook"), rows)
    return list(fires)
