"""`payments simulate`, `process`, `build`: a payment's way, one step per command.

Belongs here: arguments, and what is printed while a step goes on. Does not belong here: the steps (simulator,
platform).
"""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.platform.builds import build_and_show
from orchestration.platform.stack import Stack
from orchestration.presentation.console import say, sending_progress
from orchestration.settings import StackSettings, read_stack_settings
from simulator.config import Preset, SimulationConfig

_DEFAULTS = SimulationConfig()


def simulate(
    events: Annotated[int, typer.Option(help="Payments to send at once.")] = _DEFAULTS.events,
    seed: Annotated[int, typer.Option(help="The same seed gives the same payments.")] = _DEFAULTS.seed,
    rate: Annotated[float | None, typer.Option(help="Payments a second, steadily, instead of all at once.")] = None,
    duration: Annotated[float | None, typer.Option(help="Seconds that a steady simulation goes on.")] = None,
    manifest: Annotated[Path | None, typer.Option(help="Where to write what was sent, as JSON Lines.")] = None,
    control_totals: Annotated[
        Path | None, typer.Option(help="Where to write the sender's control totals, as CSV.")
    ] = None,
    late_rate: Annotated[float, typer.Option(help="Share of payments sent late.")] = _DEFAULTS.late_rate,
    retry_rate: Annotated[float, typer.Option(help="Share of payments sent again.")] = _DEFAULTS.retry_rate,
    malformed_rate: Annotated[float, typer.Option(help="Share of broken events.")] = _DEFAULTS.malformed_rate,
    fraud_rate: Annotated[float | None, typer.Option(help="Share of labelled fraud; default: the preset's.")] = None,
    hot_share: Annotated[float, typer.Option(help="Share of the payments that one account makes.")] = 0.0,
    refund_rate: Annotated[float, typer.Option(help="Share of payments that are refunded.")] = 0.0,
    preset: Annotated[Preset, typer.Option(help="real: as little fraud as there is.")] = Preset.LIVELY,
) -> None:
    """Send simulated payments, and report the sender's control totals to the warehouse."""
    config = SimulationConfig(
        events=events,
        seed=seed,
        rate=rate,
        duration_seconds=duration,
        late_rate=late_rate,
        retry_rate=retry_rate,
        malformed_rate=malformed_rate,
        hot_share=hot_share,
        refund_rate=refund_rate,
        fraud_rate=preset.fraud_rate if fraud_rate is None else fraud_rate,
    )
    settings = read_stack_settings()
    Stack(settings).require_data_plane()
    if config.is_steady and duration is None:
        if manifest or control_totals:
            raise typer.BadParameter("a steady simulation without --duration has no end to write a file at")
        from orchestration.control_totals.steady_traffic import send_steadily

        send_steadily(settings, config, say)
    else:
        send(settings, config, manifest, control_totals)


def send(
    settings: StackSettings, config: SimulationConfig, manifest: Path | None, control_totals: Path | None = None
) -> Path:
    """Send a simulation and report its control totals, also as a file where one is named; where the manifest is."""
    from orchestration.control_totals.reports import send_and_report, write_file

    with sending_progress() as progress:
        summary, path = send_and_report(settings, config, manifest, progress)
    say(f"{summary.deliveries:,} deliveries of {summary.payments:,} payments in {summary.seconds:.1f} s.")
    say(f"Manifest: {path}")
    if control_totals:
        write_file(path, control_totals)
        say(f"Control totals: {control_totals}")
    return path


def process() -> None:
    """Publish what waits in Kafka: one run of the same Dagster job that the sensor starts."""
    settings = read_stack_settings()
    Stack(settings).require_data_plane()
    from orchestration.platform.job_runs import drain_backlog

    drain_backlog(settings, say)


def build() -> None:
    """Build dbt's models and make every check, through Dagster. Exits 1 where a check at ERROR fails."""
    settings = read_stack_settings()
    Stack(settings).require_data_plane()
    if not build_and_show(settings):
        raise typer.Exit(1)
