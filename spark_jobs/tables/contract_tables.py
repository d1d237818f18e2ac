"""Which contract a batch's records were judged by, in pure Python.

Belongs here: the ledger's column and the table of the versions that it names. Does not belong here: what a version is
(reading).
"""

from spark_jobs.tables.columns import Column, Table

CONTRACT_VERSION = Column(
    "contract_version",
    "STRING",
    "The contract that its records were judged by: contract_versions.contract_version; NULL where it is not known.",
    "NULLABLE",
)

CONTRACT_VERSIONS = Table(
    "contract_versions",
    "Every contract that a run has judged records by: kept, so that its records can be judged again by it.",
    (
        Column(
            "contract_version", "STRING", "Hash of the rules, the lists and the mapping; a race may write a row twice."
        ),
        Column("rules_hash", "STRING", "Hash of the fields, the limits and the rules' text."),
        Column("code_lists", "STRING", "The lists of codes, as JSON."),
        Column("first_used_at", "TIMESTAMP", "When a run first began with it."),
        Column("mapping_version", "STRING", "The user's name for the mapping; NULL without one.", "NULLABLE"),
        Column("mapping_hash", "STRING", "Hash of the mapping; NULL without one.", "NULLABLE"),
        Column("mapping", "STRING", "The mapping, as JSON; NULL where events are the contract's own.", "NULLABLE"),
    ),
)
