import signal

import pytest

from tests.cluster.stack import missing


@pytest.fixture(scope="session")
def lacks() -> str | None:
    """What such a stack lacks here."""
    return missing()


@pytest.fixture(autouse=True)
def _skip_where_something_is_missing(lacks: str | None) -> None:
    if lacks:
        pytest.skip(lacks)


@pytest.fixture(autouse=True, scope="session")
def _end_at_a_sigterm_as_at_an_interrupt() -> None:
    """Then machines and processes are taken away as at every end."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
