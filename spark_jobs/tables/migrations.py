"""The versions of a dataset, in order: what each one adds to the one before. Pure data.

Belongs here: migrations and what follows from a version. Does not belong here: how one is applied (warehouse,
sinks.delta), what the columns are (catalog, which always declares the newest version).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from spark_jobs.tables import catalog
from spark_jobs.tables.columns import Table

FIRST_VERSION = 1
"""A dataset that carries no version is of this one: before it, none was written down."""


@dataclass(frozen=True, slots=True)
class Migration:
    """What makes a dataset of the version before one of this version.

    `tables` and `columns` (by their table) name what is new in the catalog; a new column is NULLABLE or REPEATED, and
    NULL in it means: written before the column came. `clustered` are tables whose clustering is another now: the
    warehouse orders what comes from then on. All of it is done at start, by whoever comes first. `statements`
    make it a larger step, which is left to `payments migrate`: BigQuery SQL in which `{table}` is a table of ours. Each
    can be run again with no further effect, since a step that was cut off is begun anew.
    """

    version: int
    description: str
    tables: tuple[Table, ...] = ()
    columns: Mapping[Table, tuple[str, ...]] = field(default_factory=dict)
    statements: tuple[str, ...] = ()
    clustered: tuple[Table, ...] = ()

    @property
    def is_larger(self) -> bool:
        """Whether a person has to ask for it."""
        return bool(self.statements)


MIGRATIONS: tuple[Migration, ...] = (
    Migration(2, "the versions that a dataset has had", tables=(catalog.SCHEMA_MIGRATIONS,)),
    Migration(3, "what the watch saw", tables=(catalog.OBSERVATIONS,)),
    Migration(
        4,
        "the contract that a batch's records were judged by",
        tables=(catalog.CONTRACT_VERSIONS,),
        columns={catalog.LEDGER: ("contract_version",)},
    ),
    Migration(
        5,
        "records that the mapping ignores",
        columns={catalog.LEDGER: ("ignored_count", "ignored_by_rule"), catalog.LEDGER_PARTITIONS: ("ignored_count",)},
    ),
    Migration(
        6,
        "how far the watermark trails, which is a setting",
        columns={catalog.LEDGER: ("watermark_minutes",)},
    ),
    Migration(
        7,
        "labels that cannot be read, beside their payment",
        columns={catalog.TRANSACTIONS: ("dropped_labels",), catalog.CORRECTIONS: ("dropped_labels",)},
    ),
    Migration(8, "what providers say they settled", tables=(catalog.SETTLEMENT_TOTALS,)),
    Migration(
        9,
        "offsets without a record, the clock of a batch, and the last published records",
        columns={
            catalog.LEDGER: ("hole_count", "judged_at"),
            catalog.LEDGER_PARTITIONS: ("hole_count",),
            catalog.CONTROL: ("last_records",),
        },
    ),
    Migration(
        10,
        "the mapping that a batch's records were judged by",
        columns={catalog.CONTRACT_VERSIONS: ("mapping_version", "mapping_hash", "mapping")},
    ),
    Migration(11, "the headers of kept records", columns={catalog.DELIVERIES: ("headers",)}),
    Migration(12, "sealed days", tables=(catalog.DAY_SEALS,)),
    Migration(
        13,
        "what a payment is: its kind, the payment that it is about, and its status",
        columns=dict.fromkeys(
            (catalog.TRANSACTIONS, catalog.CORRECTIONS), ("payment_kind", "original_transaction_id", "status")
        ),
    ),
    Migration(14, "reports of days", tables=(catalog.DAY_REPORTS,)),
    Migration(15, "whose turn it is, among machines", tables=(catalog.LEASES,)),
    Migration(16, "labels of fraud", tables=(catalog.FRAUD_LABELS,)),
    Migration(17, "allow and block lists of fraud", tables=(catalog.FRAUD_LISTS,)),
    Migration(
        18,
        "requested decisions, and what became of them",
        tables=(catalog.DECISION_REQUESTS, catalog.DECISION_OUTCOMES),
    ),
    Migration(19, "what the health metrics were", tables=(catalog.HEALTH_HISTORY,)),
    Migration(
        20,
        "rows lie in the order of their time, so that the newest hours can be read alone",
        clustered=(catalog.DELIVERIES, catalog.TRANSACTIONS),
    ),
    Migration(21, "from which day on rows are kept", tables=(catalog.RETENTION_MARKS,)),
    # Adds nothing, and keeps older versions out: they would make empty raw tables beside those of another dataset.
    Migration(22, "raw records and marts may be in datasets of their own"),
)
"""In order, a version each. One that was released stays as it is."""


def newest_version(migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """The version that this product reads and writes."""
    return migrations[-1].version if migrations else FIRST_VERSION


def pending(version: int, migrations: Sequence[Migration] = MIGRATIONS) -> list[Migration]:
    """What a dataset of that version lacks, in order."""
    return [migration for migration in migrations if migration.version > version]
