"""The platform at work, with Dagster, in a folder of its own.

Belongs here: starting and stopping it. Does not belong here: a broker and a warehouse alone (stack), what is measured.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.harness.stack import leave_on_sigterm
from local_stack.sandbox_home import own_environment
from orchestration.platform.stack import Stack
from orchestration.settings import read_stack_settings


@contextmanager
def running_platform(folder: Path) -> Iterator[Stack]:
    """Broker, warehouse and Dagster. Whatever else is started on it is stopped with it."""
    leave_on_sigterm()
    running = Stack(read_stack_settings(own_environment(folder)))
    try:
        running.start_data_plane(lambda _: None)
        running.start_ui(lambda _: None)
        yield running
    finally:
        running.stop(lambda _: None)
