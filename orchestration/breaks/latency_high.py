"""Records come that have waited for minutes, as a mirror brings them after an outage: told of, drained, and over.

Belongs here: the mirror's backlog, and what must hold after it. Does not belong here: measuring it (spark_jobs). The
mirror keeps the records' timestamps, so that nobody has to wait. A clock of the copied dbt project is set ahead to see
what is seen later.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from orchestration.breaks.dbt_build import HEALTH, build, change_line, health_project
from orchestration.breaks.sight import look, measured
from orchestration.scenarios.harness.proofs import breaks_of
from orchestration.scenarios.harness.sandbox import Sandbox, event
from orchestration.scenarios.harness.transcript import Transcript

if TYPE_CHECKING:
    from spark_jobs.publishing.batch_report import BatchReport

PAYMENTS = 200
WAITED = timedelta(minutes=5)
LATER = 11
"""Minutes. The latency of the last ten counts."""
CLOCK = "clock_of_the_break"
_MOMENT = "    current_timestamp()"
_MOMENT_SET_AHEAD = (
    "    (select timestamp_add(current_timestamp(), interval max(minutes_ahead) minute)"
    f" from `{{{{ target.project }}}}`.`{{{{ target.dataset }}}}`.`{CLOCK}`)"
)


def run(sandbox: Sandbox, transcript: Transcript) -> None:
    """A backlog that has waited for minutes makes latency high: it is told of, drained, and over ten minutes later."""
    from spark_jobs.warehouse.table_setup import ensure_tables

    transcript.step("dbt builds pipeline_health, with a clock that can be set ahead")
    ensure_tables(sandbox.client, sandbox.settings)
    _set_clock(sandbox, 0)
    project = health_project(sandbox)
    change_line(project, "macros/moment.sql", _MOMENT, _MOMENT_SET_AHEAD)
    build(sandbox, project, [f"+{HEALTH}"])
    mirrored = _mirrored(sandbox)
    transcript.step(f"A mirror that was away brings {PAYMENTS} payments, written {WAITED} ago, and a run")
    waited = [event(f"payment-{number}", WAITED / timedelta(minutes=1)) for number in range(PAYMENTS)]
    _mirror(mirrored, waited, WAITED)
    reports = mirrored.drain()
    seen = look(mirrored, transcript, measured(mirrored))
    transcript.step("The backlog is drained; a retry and a new payment come at once, and `payments process`")
    _mirror(mirrored, [waited[0], event("newest")], timedelta())
    reports += mirrored.drain()
    _show(transcript, reports)
    transcript.claim("alerts", ["PaymentsLatencyHigh"], seen)
    transcript.claim("the backlog is late, what comes after it is not", [True, False], _is_late(reports))
    transcript.step(f"The clock is set {LATER} minutes ahead")
    _set_clock(mirrored, LATER)
    transcript.claim("alerts after it", [], look(mirrored, transcript, measured(mirrored)))
    found = list(mirrored.dispositions().values())
    transcript.claim("UNIQUE, DUPLICATE", [PAYMENTS + 1, 1], [found.count("UNIQUE"), found.count("DUPLICATE")])
    transcript.claim("rules of `payments verify` that are broken", [], breaks_of(mirrored))


def _set_clock(sandbox: Sandbox, minutes: int) -> None:
    from google.cloud import bigquery

    config = bigquery.LoadJobConfig(
        schema=[bigquery.SchemaField("minutes_ahead", "INT64")], write_disposition="WRITE_TRUNCATE"
    )
    table = f"{sandbox.settings.project}.{sandbox.settings.dataset}.{CLOCK}"
    sandbox.client.load_table_from_json([{"minutes_ahead": minutes}], table, job_config=config).result()


def _mirrored(sandbox: Sandbox) -> Sandbox:
    """The same sandbox with a topic that keeps the timestamps of its senders, as a mirror's does."""
    from spark_jobs.source.connection import admin_client

    topic = f"{sandbox.settings.topic}-mirrored"
    configs = {"message.timestamp.type": "CreateTime"}
    with closing(admin_client(sandbox.settings.bootstrap_servers)) as admin:
        admin.create_topics({topic: {"num_partitions": 2, "configs": configs}}, wait_for_metadata=True)
    return replace(sandbox, settings=replace(sandbox.settings, topic=topic))


def _mirror(sandbox: Sandbox, values: Sequence[bytes], waited: timedelta) -> None:
    from spark_jobs.source.connection import producer

    written_at = round((datetime.now(UTC) - waited).timestamp() * 1000)
    with closing(producer(sandbox.settings.bootstrap_servers)) as sender:
        for value in values:
            sender.send(sandbox.settings.topic, value, partition=0, timestamp_ms=written_at)
        sender.flush()


def _is_late(reports: "Sequence[BatchReport]") -> list[bool]:
    """Whether the backlog's batches and the last one are beyond what fails, 120 seconds."""
    return [min(each.latency_p95_seconds for each in reports[:-1]) > 120, reports[-1].latency_p95_seconds > 120]


def _show(transcript: Transcript, reports: "Sequence[BatchReport]") -> None:
    rows = [(each.batch_id, each.delivered, round(each.latency_p95_seconds)) for each in reports]
    transcript.table("From the broker's timestamp to the publication", ("batch", "records", "seconds, p95"), rows)
