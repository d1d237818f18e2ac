"""`payments demo`: the whole platform once, on real parts, with its proof.

Belongs here: the order of the steps and the final verdict. Does not belong here: the steps themselves.
"""

import secrets
import time
from typing import Annotated

import typer

from orchestration.cli import flow, verify
from orchestration.cli.lifecycle import show_health
from orchestration.platform.builds import build_and_show
from orchestration.platform.stack import Stack
from orchestration.presentation.console import say, table
from orchestration.settings import StackSettings, read_stack_settings
from orchestration.verification import proof
from simulator.config import SimulationConfig


def demo(
    events: Annotated[int, typer.Option(help="Payments to send.")] = 20_000,
    seed: Annotated[int | None, typer.Option(help="Default: a new one each time.")] = None,
) -> None:
    """Start, send, process, build, verify, and show what was proved. Exits 1 unless every row agrees."""
    settings = read_stack_settings()
    stack = Stack(settings)
    was_up = stack.is_anything_up()
    began = time.monotonic()
    # A thousandth of the seeds would do: a second run must not send the first one's payments again.
    config = SimulationConfig(events=events, seed=secrets.randbelow(2**31) if seed is None else seed)
    try:
        is_proved = run_through(settings, stack, config)
    finally:
        if not was_up:
            _step("Stop")
            stack.stop(say)
    say(f"{'Everything agrees' if is_proved else 'NOT EVERYTHING AGREES'}, after {time.monotonic() - began:.0f} s.")
    if not is_proved:
        raise typer.Exit(1)


def run_through(settings: StackSettings, stack: Stack, config: SimulationConfig) -> bool:
    """The steps in order; whether all of them agree."""
    from orchestration.platform.job_runs import drain_backlog

    _step("Start")
    stack.start_data_plane(say)
    _step(f"Send {config.events:,} payments, seed {config.seed}")
    manifest = flow.send(settings, config, None)
    _step("Process")
    drain_backlog(settings, say)
    _step("Build")
    is_built = build_and_show(settings)
    _step("Verify")
    verdict = proof.examine(settings, verify.load_manifest(manifest))
    verify.show(verdict)
    return show_marts(settings) and is_built and verdict.is_proved


def show_marts(settings: StackSettings) -> bool:
    """Reconciliation and health as dbt sees them; whether every day reconciles."""
    from orchestration.verification.warehouse_reads import WarehouseReads
    from spark_jobs.warehouse.client import connect

    with connect(settings.job) as client:
        reads = WarehouseReads(client, settings.job)
        days, health = reads.reconciliation_days(), reads.health_rows()
    columns = ("day", "total_count", "unique_count", "status")
    table("Reconciliation", columns, [[day[column] for column in columns] for day in days])
    show_health(health)
    return bool(days) and all(day["status"] == "PASS" for day in days)


def _step(title: str) -> None:
    say()
    say(f"== {title}")
