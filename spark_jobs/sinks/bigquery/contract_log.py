"""The contract that a run judges by, on record before its first batch.

Belongs here: writing it down. Does not belong here: what a contract's version is (reading), judging by it again
(orchestration.verification).
"""

from typing import TYPE_CHECKING

from spark_jobs.reading.contracts import Contract, row_of
from spark_jobs.settings import JobSettings
from spark_jobs.tables.catalog import CONTRACT_VERSIONS
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.client import run

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


def record_contract(client: "Client", settings: JobSettings, contract: Contract) -> None:
    """Write down the contract, unless it is there. Two runs at once may both: the rows are alike."""
    table = f"`{table_id(settings, CONTRACT_VERSIONS)}`"
    values = dict(row_of(contract))
    known = {"contract_version": contract.version}
    if run(client, f"select 1 from {table} where contract_version = @contract_version limit 1", known):
        return
    # NULL has no type as a parameter: an absent mapping goes as an empty text.
    given = {name: value or "" for name, value in values.items()}
    columns = ", ".join(f"nullif(@{name}, '')" for name in values)
    run(
        client,
        f"insert into {table} ({', '.join(values)}, first_used_at) select {columns}, current_timestamp()",
        given,
    )
