"""A home folder for a stack that nobody else has: what `make setup` made, by links, and addresses on free ports.

Belongs here: what such a stack's environment is. Does not belong here: starting it.
"""

from pathlib import Path

from local_stack.processes import StackError, free_port
from spark_jobs.settings import payments_home

_LOOPBACK = "127.0.0.1"
_MADE_BY_SETUP = ("jars", "warehouse-env")
_MADE_WHERE_MISSING = ("java",)


def own_environment(home: Path) -> dict[str, str]:
    """Variables of a stack in `home`, which borrows what setup made. Raises StackError where setup never ran."""
    borrow(home)
    return {"PAYMENTS_HOME": str(home)} | free_addresses()


def borrow(home: Path) -> None:
    """Link what `make setup` made into `home`. Raises StackError where it is missing."""
    for made in _MADE_BY_SETUP:
        source = payments_home() / made
        if not source.exists():
            raise StackError(f"{source} is missing: run `make setup`.")
        (home / made).symlink_to(source)
    for made in _MADE_WHERE_MISSING:
        if (payments_home() / made).exists():
            (home / made).symlink_to(payments_home() / made)


def free_addresses() -> dict[str, str]:
    """Addresses of a broker, a warehouse and a UI on ports that nobody listens on."""
    return {
        "KAFKA_BOOTSTRAP_SERVERS": f"{_LOOPBACK}:{free_port(_LOOPBACK)}",
        "BIGQUERY_EMULATOR_HOST": f"http://{_LOOPBACK}:{free_port(_LOOPBACK)}",
        "DAGSTER_PORT": str(free_port(_LOOPBACK)),
        "PAYMENTS_DASHBOARD_PORT": str(free_port(_LOOPBACK)),
    }
