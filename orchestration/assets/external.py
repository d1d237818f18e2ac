"""What no run of ours makes: the topic, the senders' totals, what the watch saw, and the decisions of commands.

Belongs here: their specs, so that whoever looks at the graph reads what they are. Does not belong here: anything that
is materialized.
"""

import dagster as dg

from orchestration import names
from spark_jobs.tables import catalog


def _table(table: catalog.Table, group: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        [names.PREFIX, table.name],
        description=table.description,
        group_name=group,
        kinds={"bigquery"},
        owners=names.OWNERS,
    )


OUTSIDE = [
    dg.AssetSpec(
        names.PAYMENT_EVENTS,
        description="The Kafka topic of payment events; the backlog sensor observes its lag.",
        group_name="kafka",
        kinds={"kafka"},
        owners=names.OWNERS,
    ),
    _table(catalog.CONTROL_TOTALS, "senders"),
    _table(catalog.SETTLEMENT_TOTALS, "senders"),
    _table(catalog.OBSERVATIONS, "health"),
    *(
        _table(table, "decisions")
        for table in (
            catalog.ACCEPTED_GAPS,
            catalog.REPLAYS,
            catalog.ERASURES,
            catalog.DAY_REPORTS,
            catalog.FRAUD_LABELS,
            catalog.FRAUD_LISTS,
            catalog.DECISION_REQUESTS,
            catalog.DECISION_OUTCOMES,
            catalog.RETENTION_MARKS,
        )
    ),
]
