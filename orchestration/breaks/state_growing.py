"""A partition with an old backlog holds the watermark back: the state keeps every id since, until it is drained.

Belongs here: the backlog, and how the state goes. Does not belong here: the watermark (spark_jobs.streaming), what the
state keeps (spark_jobs.deduplication).
"""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from orchestration.breaks.dbt_build import HEALTH, build, change_line, health_project
from orchestration.breaks.sight import look, measured
from orchestration.scenarios.harness.proofs import breaks_of
from orchestration.scenarios.harness.sandbox import Sandbox, event, event_at
from orchestration.scenarios.harness.transcript import Transcript

if TYPE_CHECKING:
    from spark_jobs.publishing.batch_report import BatchReport

PAYMENTS = 1_000
"""In each of the two partitions."""
HOURS = 5
BATCHES = 4
SEED = "seeds/health_limits.csv"
LIMIT = "state_size_mb,<=,400,1600,at most 400 MB"
SMALL_LIMIT = "state_size_mb,<=,0.006,0.012,at most 6 kB"


def run(sandbox: Sandbox, transcript: Transcript) -> None:
    """An old backlog holds the watermark back: the state grows, is told of, and shrinks once the backlog is drained."""
    from spark_jobs.warehouse.table_setup import ensure_tables

    transcript.step(f"dbt builds pipeline_health. So small a state fails above 12 kB instead of 1,600 MB ({SEED})")
    ensure_tables(sandbox.client, sandbox.settings)
    project = health_project(sandbox)
    change_line(project, SEED, LIMIT, SMALL_LIMIT)
    build(sandbox, project, [f"+{HEALTH}"])
    transcript.step(f"A partition has the payments of the last {HOURS} hours, another one those of {HOURS} hours ago")
    began = datetime.now(UTC) - timedelta(hours=HOURS)
    between = timedelta(hours=HOURS) / PAYMENTS
    old = [event_at(f"old-{number}", began) for number in range(PAYMENTS)]
    sandbox.send(old, partition=1)
    sandbox.send([event_at(f"new-{number}", began + number * between) for number in range(PAYMENTS)])
    transcript.step("`payments process` drains them, batch by batch; before the last one")
    reports: list[BatchReport] = []
    seen: list[str] = []

    def watch(report: "BatchReport") -> None:
        reports.append(report)
        if len(reports) == BATCHES - 1:
            seen.extend(look(sandbox, transcript, measured(sandbox)))

    sandbox.drain(on_batch=watch, max_offsets_per_batch=2 * PAYMENTS // BATCHES)
    transcript.step("The backlog is drained; a retry of an old payment and a new one come, and a run")
    retry, new = sandbox.send([old[0], event("newest")])
    sandbox.drain(on_batch=reports.append)
    rows = [
        (each.batch_id, each.delivered, f"{each.next_watermark:%H:%M}", f"{each.state_bytes:,}") for each in reports
    ]
    transcript.table("The state", ("batch", "records", "watermark after it", "bytes of the state"), rows)
    found = sandbox.dispositions()
    sizes = [report.state_bytes for report in reports]
    growing = sizes[: BATCHES - 1]
    transcript.claim("the state grew with each batch of the backlog", sorted(growing), growing)
    transcript.claim("the watermark stood still meanwhile", 1, len({each.next_watermark for each in reports[:-2]}))
    transcript.claim("drained, it is less than half", True, 2 * sizes[-1] < max(sizes))
    transcript.claim("alerts", ["PaymentsStateGrowing"], seen)
    transcript.claim("alerts after it", [], look(sandbox, transcript, measured(sandbox)))
    transcript.claim("the new payment", "UNIQUE", found[new])
    transcript.claim("the retry is not counted again", True, found[retry] != "UNIQUE")
    [counted] = sandbox.ask("select count(*) as n, count(distinct transaction_id) as ids from {payment_transactions}")
    transcript.claim("payments, and their ids", [2 * PAYMENTS + 1] * 2, [counted["n"], counted["ids"]])
    transcript.claim("rules of `payments verify` that are broken", [], breaks_of(sandbox))
