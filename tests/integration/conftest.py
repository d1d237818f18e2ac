"""What several integration tests share beside the stack."""

import uuid
from collections.abc import Iterator

import pytest

from spark_jobs.settings import JobSettings
from spark_jobs.warehouse.client import connect
from tests.integration.tables import Tables


@pytest.fixture
def tables(stack: JobSettings) -> Iterator[Tables]:
    client = connect(stack)
    dataset = f"{stack.project}.loads_{uuid.uuid4().hex[:8]}"
    client.create_dataset(dataset)
    yield Tables(client, dataset)
    client.delete_dataset(dataset, delete_contents=True)
    client.close()
