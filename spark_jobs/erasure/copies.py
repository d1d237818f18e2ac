"""Copies of what was erased, outside its transaction: dbt's own tables, labels, lists, and what dead runs have left.

Belongs here: knowing and removing them. Does not belong here: the tables of the streaming job
(erase), Delta (sinks.delta).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from spark_jobs.erasure.account_names import IDS, ids_of
from spark_jobs.erasure.erase import hash_of
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.names import STAGING_PREFIX, dataset_of, full_name, table_id
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.retries import bounds, failures_as_incidents
from spark_jobs.warehouse.table_setup import items_in

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

KEYED = ("payment_transactions_fraud", "int_payments__alerted")
"""What dbt keeps as tables of one row per payment, partitioned by event_time: a payment's row is deleted by its id."""

SUMMED_UP = ("int_accounts__days", "int_accounts__habits", "payment_metrics")
"""What dbt keeps as tables of sums: by the receipts, its next build makes their days anew of which an erasure took a
payment. All else of dbt is views."""

RETURNED = "payment_returns"
"""What dbt keeps of payments of which money went back: a row that names an erased one is deleted."""

FORMER = ("int_payments__sender_signals", "int_payments__network_signals")
"""What dbt kept as tables before, and nobody reads any more: they are dropped."""

LEFTOVERS = tuple(f"{STAGING_PREFIX}{kind}_" for kind in ("backfill", "corrections", "erasure"))
"""Staging tables that are made anew where they are missed. Those of batches are dropped with their batch."""


def delete_by_id(client: "Client", settings: JobSettings, account: str) -> int:
    """Delete the account's erased payments from every mart of payments; how many rows are gone.

    Of each mart only the partitions of the days are read and rewritten that the account's receipts name. What the rows
    of other payments say of them stays as it was judged: counts and sums, which name nobody.

    Raises:
        Incident: the warehouse refused.
    """
    with failures_as_incidents():
        days = _days_of(client, settings, account)
        if days is None:
            return 0
        there = {item.table_id for item in items_in(client, dataset_of(settings, catalog.Layer.MARTS))}
        values = {"since": days[0], "until": days[1]}
        return sum(run(client, deleted_sql(settings, name), values)[0]["gone"] for name in KEYED if name in there)


def deleted_sql(settings: JobSettings, mart: str) -> str:
    """The deletion from one mart of what is erased, within @since and @until; says how many rows are gone."""
    return f"""
        delete from `{full_name(settings, mart)}`
        where event_time >= @since and event_time < @until
            and md5(transaction_id) in (select id_hash from `{table_id(settings, catalog.ERASED_IDS)}`);
        select @@row_count as gone;
        """


def _days_of(client: "Client", settings: JobSettings, account: str) -> tuple[datetime, datetime] | None:
    """From the first day of an erased payment of the account, up to the last one's end."""
    sql = f"""
        select timestamp(min(day)) as since, timestamp(date_add(max(day), interval 1 day)) as until
        from `{table_id(settings, catalog.ERASURES)}`
        where account_hash = @account_hash and disposition not in ('QUARANTINED', 'IGNORED')
        """
    [row] = run(client, sql, {"account_hash": hash_of(account)})
    return (row["since"], row["until"]) if row["since"] else None


def drop_copies(client: "Client", settings: JobSettings, account: str) -> None:
    """Drop tables that nobody needs, and delete what names a payment or account gone.

    Raises:
        Incident: the warehouse refused.
    """
    named = named_sql(settings)
    values = {catalog.FRAUD_LISTS.name: ids_of(account)}
    with failures_as_incidents():
        for item in (item for name in settings.datasets for item in items_in(client, f"{settings.project}.{name}")):
            if item.table_id in FORMER or item.table_id.startswith(LEFTOVERS):
                client.delete_table(item.reference, not_found_ok=True, **bounds())
            elif item.table_id in named and item.table_type == "TABLE":
                run(client, named[item.table_id], values.get(item.table_id, {}))


def named_sql(settings: JobSettings) -> Mapping[str, str]:
    """By the table, which a dataset of an older version lacks: the statement that takes out what names what is gone.

    An entry of a list names an account as payments do: as it is, escaped or hashed. Of accounts that were erased before
    only the receipts' hash is known.
    """
    return {
        catalog.FRAUD_LABELS.name: f"""
            delete from `{table_id(settings, catalog.FRAUD_LABELS)}`
            where md5(transaction_id) in (select id_hash from `{table_id(settings, catalog.ERASED_IDS)}`)
            """,
        RETURNED: f"""
            delete from `{full_name(settings, RETURNED)}`
            where md5(original_transaction_id) in (select id_hash from `{table_id(settings, catalog.ERASED_IDS)}`)
            """,
        catalog.FRAUD_LISTS.name: f"""
            delete from `{table_id(settings, catalog.FRAUD_LISTS)}`
            where subject in {IDS}
                or to_hex(sha256(subject)) in (select account_hash from `{table_id(settings, catalog.ERASURES)}`)
            """,
        catalog.DECISION_REQUESTS.name: f"""
            update `{table_id(settings, catalog.DECISION_REQUESTS)}` set arguments = null
            where md5(json_value(arguments, '$.transaction_id')) in (
                select id_hash from `{table_id(settings, catalog.ERASED_IDS)}`)
            """,
    }


def remove_leftover_files(settings: JobSettings, generation: str) -> None:
    """Remove what dead runs and dead backfills have left at the staging location.

    A backfill under way says that its files are gone, and is begun again. The checkpoint generation in use is left
    alone: what its dead runs have left, the next run sweeps.
    """
    from spark_jobs.file_systems import delete_folder, folders_in

    staging = settings.staging_location
    for folder, keep in ((staging, settings.pipeline), (f"{staging}/{settings.pipeline}", generation)):
        for name in folders_in(folder):
            if name != keep:
                delete_folder(f"{folder}/{name}")
