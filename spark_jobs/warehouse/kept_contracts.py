"""The contracts that batches were judged by, as the warehouse keeps them.

Belongs here: reading them. Does not belong here: what a contract is, and by which a record is judged again (reading),
writing one down (sinks.bigquery).
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.mapping.mapping_error import MappingError
from spark_jobs.reading.contracts import Contract, contract_in, judged_again_by
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id
from spark_jobs.tables.row_types import ReadRow
from spark_jobs.warehouse.client import run

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


def contracts_of(client: "Client", settings: JobSettings, rows: Sequence[ReadRow], now: Contract) -> list[Contract]:
    """By which contract each row, which has a `batch_id`, is judged again: that of its batch, as far as it is known.

    Args:
        client: the warehouse.
        settings: names the tables.
        rows: of payment_deliveries, or others that name their batch.
        now: the contract of this code.

    Raises:
        Incident: a mapping that was kept cannot be read by this product.
    """
    kept = _kept(client, settings, {row["batch_id"] for row in rows})
    return [judged_again_by(kept[row["batch_id"]], now) if row["batch_id"] in kept else now for row in rows]


def _kept(client: "Client", settings: JobSettings, batch_ids: Iterable[int]) -> dict[int, Contract | None]:
    """By batch; None where none was recorded, and no entry where what was recorded is not there."""
    batches = [{"batch_id": number} for number in sorted(batch_ids)]
    if not batches:
        return {}
    sql = f"""
        select l.batch_id, l.contract_version as recorded, v.*
        from `{table_id(settings, catalog.LEDGER)}` as l
        inner join unnest(@batches) as asked on l.batch_id = asked.batch_id
        left join `{table_id(settings, catalog.CONTRACT_VERSIONS)}` as v on l.contract_version = v.contract_version
        """
    found = run(client, sql, {"batches": batches})
    return {
        row["batch_id"]: None if row["recorded"] is None else _contract_in(row)
        for row in found
        if row["recorded"] is None or row["rules_hash"] is not None
    }


def _contract_in(row: dict[str, Any]) -> Contract:
    try:
        return contract_in(row)
    except MappingError as error:
        message = (
            f"contract version {row['recorded']} cannot be judged by here: {error}; use the product that wrote it."
        )
        raise Incident(IncidentKind.SCHEMA_VERSION, message) from None
