"""`python -m simulator`: send simulated payments to Kafka, all at once or at a rate.

Belongs here: arguments, signals, what is printed. Does not belong here: anything that a program would want to call
(sending). Exit code 0: done, or a steady simulation was stopped; 1: Kafka or the disk failed; 2: a wrong setting;
130: a burst was stopped.
"""

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from simulator.config import Preset, SimulationConfig
from simulator.sending.bulk import PRODUCERS, load
from simulator.sending.producer import ProducerError
from simulator.sending.simulate import Summary, simulate
from spark_jobs.contract.payment_event import Disposition
from spark_jobs.settings import SettingError, read_job_settings

_DEFAULTS = SimulationConfig()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    options = _parser().parse_args(arguments)
    stop = threading.Event()
    _stop_on_signals(stop)
    try:
        config = _config(options)
        settings = read_job_settings()
        if options.bulk:
            summary = load(config, settings.bootstrap_servers, settings.topic, options.bulk, stop=stop)
        else:
            summary = simulate(config, settings.bootstrap_servers, settings.topic, options.manifest, stop=stop)
    except SettingError as error:
        return _complain(error, 2)
    except ProducerError as error:
        return _complain(error, 1)
    except OSError as error:
        return _complain(f"The manifest cannot be written: {error}", 1)
    sys.stdout.write(describe(summary))
    return 130 if stop.is_set() and not config.is_steady else 0


def describe(summary: Summary) -> str:
    """A few lines about a simulation that has ended."""
    per_second = summary.deliveries / max(summary.seconds, 0.001)
    dispositions = "  ".join(f"{disposition} {summary.of(disposition):,}" for disposition in Disposition)
    lines = [
        f"{summary.payments:,} payments ({summary.frauds:,} fraudulent) in {summary.deliveries:,} deliveries to "
        f"{summary.topic} in {summary.seconds:.1f} s: {per_second:,.0f} per second",
        f"expected: {dispositions}",
    ]
    if summary.manifest_path:
        lines.append(f"manifest: {summary.manifest_path}")
    return "\n".join(lines) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulator", description="Send simulated payments to Kafka.", allow_abbrev=False
    )
    parser.add_argument("--events", type=int, default=_DEFAULTS.events, help="payments in a burst (%(default)s)")
    parser.add_argument("--rate", type=float, help="payments per second, steadily, instead of a burst")
    parser.add_argument("--duration", type=float, help="seconds after which a steady simulation ends by itself")
    parser.add_argument("--seed", type=int, default=_DEFAULTS.seed, help="same seed, same accounts (%(default)s)")
    parser.add_argument("--manifest", type=Path, help="write what was acknowledged to this file, as JSON Lines")
    parser.add_argument(
        "--bulk",
        choices=PRODUCERS,
        nargs="?",
        const="kafka-python",
        help="send fast, with payments and retries only: no other faults, no fraud, no manifest",
    )
    parser.add_argument("--accounts", type=int, default=_DEFAULTS.accounts, help="paying accounts (%(default)s)")
    parser.add_argument(
        "--span-minutes", type=float, default=_DEFAULTS.span_minutes, help="span of a burst's events (%(default)s)"
    )
    parser.add_argument("--retry-rate", type=float, default=_DEFAULTS.retry_rate, help="share (%(default)s)")
    parser.add_argument(
        "--conflict-share", type=float, default=_DEFAULTS.conflict_share, help="of the retries (%(default)s)"
    )
    parser.add_argument("--late-rate", type=float, default=_DEFAULTS.late_rate, help="share (%(default)s)")
    parser.add_argument("--malformed-rate", type=float, default=_DEFAULTS.malformed_rate, help="share (%(default)s)")
    parser.add_argument("--fraud-rate", type=float, help=f"share ({_DEFAULTS.fraud_rate}, or as the preset says)")
    parser.add_argument("--hot-share", type=float, default=_DEFAULTS.hot_share, help="of one account (%(default)s)")
    parser.add_argument("--refund-rate", type=float, default=_DEFAULTS.refund_rate, help="share (%(default)s)")
    parser.add_argument(
        "--preset", type=Preset, choices=Preset, default=Preset.LIVELY, help="real: as little fraud as there is"
    )
    return parser


def _config(options: argparse.Namespace) -> SimulationConfig:
    if options.bulk and options.manifest:
        raise SettingError("--bulk keeps no manifest: leave out --manifest, or --bulk.")
    return SimulationConfig(
        events=options.events,
        seed=options.seed,
        rate=options.rate,
        duration_seconds=options.duration,
        span_minutes=options.span_minutes,
        accounts=options.accounts,
        retry_rate=options.retry_rate,
        conflict_share=options.conflict_share,
        late_rate=options.late_rate,
        malformed_rate=options.malformed_rate,
        hot_share=options.hot_share,
        refund_rate=options.refund_rate,
        fraud_rate=options.preset.fraud_rate if options.fraud_rate is None else options.fraud_rate,
    )


def _stop_on_signals(stop: threading.Event) -> None:
    """The first signal ends the simulation in good order, a second one at once."""

    def handle(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)


def _complain(error: object, code: int) -> int:
    sys.stderr.write(f"{error}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
