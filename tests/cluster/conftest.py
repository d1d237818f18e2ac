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
