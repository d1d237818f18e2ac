"""The list of currencies is mended and a record replayed, as the README says: what was judged before stays proved."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from orchestration.settings import PROJECT_ROOT
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.client import connect, run
from tests.integration.command import Command, platform
from tests.world import event

pytestmark = [pytest.mark.integration, pytest.mark.long]

CURRENCY = "XQQ"
RUN_FROM = ("orchestration", "spark_jobs", "simulator", "local_stack", "dbt_project")


@pytest.fixture
def payments(tmp_path: Path) -> Iterator[Command]:
    with platform(tmp_path) as command:
        yield command


def mended(payments: Command) -> Command:
    """The same command, run from a copy of the code whose list has one currency more."""
    tree = payments.folder / "mended"
    for name in RUN_FROM:
        shutil.copytree(PROJECT_ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    codes = tree / "spark_jobs/contract/currencies.py"
    listed = codes.read_text()
    assert CURRENCY not in listed
    codes.write_text(listed.replace(" AED ", f" {CURRENCY} AED ", 1))
    return payments.but(PYTHONPATH=str(tree))


def send(payments: Command, *values: bytes) -> None:
    job = payments.settings.job
    producer = KafkaProducer(bootstrap_servers=job.bootstrap_servers, enable_idempotence=True, acks="all")
    try:
        for value in values:
            producer.send(job.topic, value, key=b"sender", partition=0).get(timeout=30)
    finally:
        producer.close()


def verified(payments: Command) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(payments.succeed("verify", "--json"))
    return answer


def rows(payments: Command, table: catalog.Table, columns: str) -> list[tuple[Any, ...]]:
    job = payments.settings.job
    with connect(job) as client:
        found = run(client, f"select {columns} from `{table_id(job, table)}`", {})
    return [tuple(row.values()) for row in found]


def test_a_list_is_mended_and_a_record_replayed_and_verify_stays_green(payments: Command) -> None:
    payments.succeed("up", "--no-ui")
    send(payments, event("known"), event("unknown", currency=CURRENCY), event("known"), b"junk")
    payments.succeed("process")
    assert verified(payments)["ok"]

    after = mended(payments)
    found = verified(after)
    assert (found["ok"], found["breaks"], found["not_reread"]) == (True, [], {})
    assert "1 records are sent" in after.succeed("replay", "--reason", "UNKNOWN_CURRENCY", "--yes", "--why", "mended")
    after.succeed("process")

    found = verified(after)
    assert (found["ok"], found["breaks"], found["not_reread"]) == (True, [], {})
    assert ("unknown", CURRENCY) in rows(after, catalog.TRANSACTIONS, "transaction_id, currency")
    judged_by = {version for (version,) in rows(after, catalog.LEDGER, "contract_version")}
    assert len(judged_by) == 2, "each batch names the contract of its time"
    assert {version for (version,) in rows(after, catalog.CONTRACT_VERSIONS, "contract_version")} == judged_by
    assert json.loads(after.succeed("audit", "--all", "--json"))["ok"]
