"""The contract that a run judges by, on record before its first batch.

Belongs here: writing it down. Does not belong here: what a contract's version is (parsing), judging by it again
(orchestration.verification).
"""

from typing import TYPE_CHECKING

from spark_jobs.contract.payment_event import UnreadableLabels
from spark_jobs.parsing.contract_hash import contract_of_now
from spark_jobs.settings import JobSettings
from spark_jobs.tables.catalog import CONTRACT_VERSIONS
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.table_setup import table_id

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


def record_contract(client: "Client", settings: JobSettings) -> None:
    """Write down the contract of now, unless it is there. Two runs at once may both: the rows are alike."""
    contract = contract_of_now(UnreadableLabels(settings.unreadable_labels))
    table = f"`{table_id(settings, CONTRACT_VERSIONS)}`"
    reported = {"version": contract.version}
    if run(client, f"select 1 from {table} where contract_version = @version limit 1", reported):
        return
    run(
        client,
        f"""
        insert into {table} (contract_version, rules_hash, code_lists, first_used_at)
        values (@version, @rules, @lists, current_timestamp())
        """,
        reported | {"rules": contract.rules, "lists": contract.lists.to_json()},
    )
