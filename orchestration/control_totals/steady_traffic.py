"""Steady traffic for a platform that is left running: payments without end, a sender's report every minute.

Belongs here: cutting the stream into reported pieces, and stopping in good order. Does not belong here: sending.
"""

import signal
import threading
from collections.abc import Callable
from dataclasses import replace

from orchestration.control_totals.reports import send_and_report
from orchestration.settings import StackSettings
from simulator.config import SimulationConfig

REPORT_SECONDS = 60.0


def send_steadily(settings: StackSettings, config: SimulationConfig, say: Callable[[str], None]) -> None:
    """Send until SIGTERM or SIGINT; what was sent by then is reported too. Manifests are not kept: they would grow."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    seed = config.seed
    while not stop.is_set():
        piece = replace(config, seed=seed, duration_seconds=REPORT_SECONDS)
        summary, manifest = send_and_report(settings, piece, None, stop=stop)
        manifest.unlink()
        say(f"{summary.deliveries} deliveries in {summary.seconds:.0f} s")
        seed += 1
