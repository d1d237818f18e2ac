"""What each role of deploy/terraform may do, and what each request to BigQuery and Storage needs.

Belongs here: permissions by role and by API method. Does not belong here: who has which role (deploy/terraform). From
Google's documentation of roles and of the APIs, as far as the product sends such requests; not tried on Google Cloud.
"""

import re
from collections.abc import Mapping

_READS_TABLES = {"bigquery.datasets.get", "bigquery.tables.get", "bigquery.tables.getData", "bigquery.tables.list"}
_USES_OBJECTS = {f"storage.objects.{verb}" for verb in ("create", "delete", "get", "list", "update")}

PERMISSIONS: Mapping[str, frozenset[str]] = {
    "roles/bigquery.jobUser": frozenset({"bigquery.jobs.create"}),
    "roles/bigquery.user": frozenset(
        {"bigquery.jobs.create", "bigquery.jobs.list", "bigquery.datasets.create", "bigquery.datasets.get"}
        | {"bigquery.tables.list", "bigquery.readsessions.create"}
    ),
    "roles/bigquery.dataEditor": frozenset(
        _READS_TABLES | {f"bigquery.tables.{verb}" for verb in ("create", "delete", "update", "updateData", "export")}
    ),
    "roles/bigquery.dataViewer": frozenset(_READS_TABLES | {"bigquery.tables.export"}),
    "roles/bigquery.resourceViewer": frozenset({"bigquery.jobs.get", "bigquery.jobs.list", "bigquery.jobs.listAll"}),
    "roles/bigquerydatapolicy.maskedReader": frozenset({"bigquery.dataPolicies.maskedGet"}),
    "roles/datacatalog.categoryFineGrainedReader": frozenset({"datacatalog.categories.fineGrainedGet"}),
    "roles/managedkafka.client": frozenset({"managedkafka.clusters.connect"}),
    "roles/storage.objectUser": frozenset(_USES_OBJECTS),
}
"""By role; a job's own creator may read it without bigquery.jobs.get."""

_TABLE = r"/projects/[^/]+/datasets/[^/]+/tables/[^/?]+"
METHODS: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("POST", r"/projects/[^/]+/(queries|jobs)", frozenset({"bigquery.jobs.create"})),
    ("GET", r"/projects/[^/]+/(queries|jobs)/[^/]+", frozenset()),
    ("POST", r"/projects/[^/]+/jobs/[^/]+/cancel", frozenset()),
    ("POST", r"/projects/[^/]+/datasets", frozenset({"bigquery.datasets.create"})),
    ("GET", r"/projects/[^/]+/datasets/[^/]+", frozenset({"bigquery.datasets.get"})),
    ("DELETE", r"/projects/[^/]+/datasets/[^/]+", frozenset({"bigquery.datasets.delete"})),
    ("GET", r"/projects/[^/]+/datasets/[^/]+/tables", frozenset({"bigquery.tables.list"})),
    ("POST", r"/projects/[^/]+/datasets/[^/]+/tables", frozenset({"bigquery.tables.create"})),
    ("GET", _TABLE, frozenset({"bigquery.tables.get"})),
    ("GET", rf"{_TABLE}/data", frozenset({"bigquery.tables.getData"})),
    ("PATCH", _TABLE, frozenset({"bigquery.tables.get", "bigquery.tables.update"})),
    ("DELETE", _TABLE, frozenset({"bigquery.tables.delete"})),
)
"""Method, path, and what it needs by itself; what a statement reads and writes comes on top."""


def needed(method: str, path: str) -> frozenset[str]:
    """What a request needs.

    Raises:
        KeyError: nobody has said what such a request needs.
    """
    for known, pattern, permissions in METHODS:
        if method == known and re.fullmatch(pattern, path.partition("?")[0]):
            return permissions
    raise KeyError(f"{method} {path}: say in METHODS what it needs")
