"""What is read for the page of ids: the newest quarantined records and the undecided conflicts, with whom they name.

Belongs here: those statements, and reading them. Does not belong here: who may see them (access), their cells (pages).
Nothing of it is kept: it is read at each view. Where a column's policy tag masks it for the dashboard's account, it
comes masked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestration.dashboard.statements import MAX_BYTES, Statement
from orchestration.settings import StackSettings
from spark_jobs.incidents import one_line
from spark_jobs.tables.names import sql_names
from spark_jobs.warehouse.job_labels import Work, labels_of

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

RECORD_BYTES = 600
"""How much of a record is shown."""

QUARANTINED, CONFLICTS = "quarantined", "conflicts"

STATEMENTS = {
    QUARANTINED: Statement(
        """
        select
            kafka_timestamp,
            concat(topic, '/', cast(kafka_partition as string), '/', cast(kafka_offset as string)) as place,
            array_to_string(reasons, ', ') as reasons,
            transaction_id,
            raw_value as record
        from {payment_deliveries}
        where kafka_timestamp >= timestamp_sub(current_timestamp(), interval 1 day) and disposition = 'QUARANTINED'
        order by kafka_timestamp desc, kafka_partition, kafka_offset desc
        limit 50
        """,
        "90 bytes a record of two partitions and the kept values, of which clustering leaves the quarantined ones",
    ),
    CONFLICTS: Statement(
        """
        select
            conflicts.transaction_id,
            conflicts.published_offset,
            conflicts.payloads,
            conflicts.exposure_eur,
            conflicts.last_payload_at,
            payments.sender_account_id,
            payments.receiver_account_id
        from {payment_conflicts} as conflicts
        left join {stg_payments__transactions} as payments on conflicts.transaction_id = payments.transaction_id
        where not conflicts.is_decided
        order by conflicts.exposure_eur desc nulls first, conflicts.last_payload_at desc
        limit 20
        """,
        "190 bytes a record: the mart compares all deliveries",
        needs=("payment_conflicts", "stg_payments__transactions"),
    ),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of one statement, or in one line why there are none."""

    rows: tuple[Mapping[str, Any], ...] = ()
    trouble: str = ""


def read_samples(settings: StackSettings, label: Mapping[str, str]) -> dict[str, Sample]:
    """Both, now; each fails alone. The jobs carry `label`."""
    from spark_jobs.warehouse.client import connect
    from spark_jobs.warehouse.retries import failures

    away = failures()
    found: dict[str, Sample] = {}
    try:
        with connect(settings.job) as client:
            for name, statement in STATEMENTS.items():
                try:
                    found[name] = Sample(tuple(_ask(settings, client, statement, label)))
                except away as error:
                    found[name] = Sample(trouble=one_line(error))
    except away as error:
        return {name: Sample(trouble=one_line(error)) for name in STATEMENTS}
    return found


def _ask(
    settings: StackSettings, client: "Client", statement: Statement, label: Mapping[str, str]
) -> list[dict[str, Any]]:
    from google.cloud.bigquery import QueryJobConfig

    from spark_jobs.warehouse.retries import bounds, rows_of

    sql = statement.sql.format(**sql_names(settings.job, *statement.needs))
    labels = {**labels_of(Work.PLATFORM, settings.job.pipeline), **label}
    config = QueryJobConfig(maximum_bytes_billed=MAX_BYTES, labels=labels)
    job = client.query(sql, job_config=config, job_retry=None, **bounds())
    return [{name: _cut(value) for name, value in row.items()} for row in rows_of(job, 100)]


def _cut(value: Any) -> Any:
    return value[:RECORD_BYTES] if isinstance(value, bytes) else value
