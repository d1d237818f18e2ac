"""What each role of deploy/terraform may do, and what each request to BigQuery, Storage and Dataproc needs.

Belongs here: permissions by role and by API method. Does not belong here: who has which role (deploy/terraform). From
Google's documentation of roles and of the APIs, as far as the product sends such requests; not tried on Google Cloud.
"""

import re
from collections.abc import Mapping
from typing import Any

_READS_TABLES = {"bigquery.datasets.get", "bigquery.tables.get", "bigquery.tables.getData", "bigquery.tables.list"}
_USES_OBJECTS = {f"storage.objects.{verb}" for verb in ("create", "delete", "get", "list", "update")}

_REPORTS_TO_DATAPROC = {
    *(f"dataproc.agents.{verb}" for verb in ("create", "delete", "get", "list", "update")),
    *(f"dataproc.tasks.{verb}" for verb in ("lease", "listInvalidatedLeases", "reportStatus")),
}
OURS = "custom/"
"""How a role of our own begins: deploy/terraform says what it may do."""

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
    # It reads and writes every bucket of the project: Google asks for it whole.
    "roles/dataproc.worker": frozenset(
        _REPORTS_TO_DATAPROC | _USES_OBJECTS | {"storage.buckets.get", "logging.logEntries.create"}
    ),
    "custom/payments_submitter": frozenset(
        {"dataproc.batches.create", "dataproc.batches.get", "dataproc.operations.cancel", "dataproc.clusters.use"}
        | {f"dataproc.jobs.{verb}" for verb in ("cancel", "create", "get")}
    ),
    "roles/iam.serviceAccountUser": frozenset({f"iam.serviceAccounts.{verb}" for verb in ("actAs", "get", "list")}),
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


_OBJECTS = r"/storage/v1/b/[^/?]+/o"
XML_BUCKET = r"/(?!storage/|upload/|download/|resumable/|batch)(?P<bucket>[^/?]+)"
"""A path of the XML API begins with the bucket's name."""
_XML_OBJECT = rf"{XML_BUCKET}/.+"
STORAGE_METHODS: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("GET", _OBJECTS, frozenset({"storage.objects.list"})),
    ("GET", rf"(/download)?{_OBJECTS}/[^/?]+", frozenset({"storage.objects.get"})),
    # Without a preceding part, by the XML API. Who replaces an object has to have leave to delete it.
    ("(GET|HEAD)", _XML_OBJECT, frozenset({"storage.objects.get"})),
    ("PUT", _XML_OBJECT, frozenset({"storage.objects.create", "storage.objects.delete"})),
    ("DELETE", _XML_OBJECT, frozenset({"storage.objects.delete"})),
    ("GET", rf"{XML_BUCKET}/?", frozenset({"storage.objects.list"})),
    ("(POST|PUT)", rf"(/resumable)?/upload{_OBJECTS}", frozenset({"storage.objects.create", "storage.objects.delete"})),
    ("(POST|PUT)", r"/upload/resumable/.+", frozenset({"storage.objects.create", "storage.objects.delete"})),
    (
        "POST",
        rf"{_OBJECTS}/[^/?]+/(rewriteTo|copyTo)/b/[^/?]+/o/[^/?]+",
        frozenset({"storage.objects.get", "storage.objects.create", "storage.objects.delete"}),
    ),
    ("DELETE", rf"{_OBJECTS}/[^/?]+", frozenset({"storage.objects.delete"})),
    ("(PATCH|PUT)", rf"{_OBJECTS}/[^/?]+", frozenset({"storage.objects.update"})),
    ("GET", r"/storage/v1/b/[^/?]+", frozenset({"storage.buckets.get"})),
    ("GET", r"/storage/v1/b", frozenset({"storage.buckets.list"})),
    ("POST", r"/storage/v1/b", frozenset({"storage.buckets.create"})),
)
"""The same of Cloud Storage's JSON API, and of objects and their names by its XML API."""


_AT = r"/v1/projects/[^/]+/(regions|locations)/[^/]+"
DATAPROC_METHODS: tuple[tuple[str, str, frozenset[str]], ...] = (
    # Who starts something that runs as an account has to have leave to act as that account.
    ("POST", rf"{_AT}/batches", frozenset({"dataproc.batches.create", "iam.serviceAccounts.actAs"})),
    ("GET", rf"{_AT}/batches/[^/]+", frozenset({"dataproc.batches.get"})),
    ("POST", rf"{_AT}/operations/[^/]+:cancel", frozenset({"dataproc.operations.cancel"})),
    ("POST", rf"{_AT}/jobs:submit", frozenset({"dataproc.jobs.create", "dataproc.clusters.use"})),
    ("GET", rf"{_AT}/jobs/[^/]+", frozenset({"dataproc.jobs.get"})),
    ("POST", rf"{_AT}/jobs/[^/]+:cancel", frozenset({"dataproc.jobs.cancel"})),
)
"""The same of Dataproc's API."""


def needed_of_dataproc(method: str, path: str) -> frozenset[str]:
    """What a request to Dataproc needs. Raises KeyError as `needed` does."""
    for known, pattern, permissions in DATAPROC_METHODS:
        if method == known and re.fullmatch(pattern, path.partition("?")[0]):
            return permissions
    raise KeyError(f"{method} {path}: say in DATAPROC_METHODS what it needs")


_TABLE_NAMED = re.compile(
    r"(?:\b(insert into|update|delete from|merge(?: into)?|drop|alter|create)\s+)?"
    r"(?:(?:or replace |snapshot )*(?:table|view) (?:if (?:not )?exists )?)?`[\w-]+\.(\w+)\.\w+`",
    re.IGNORECASE,
)
_CHANGES = frozenset({"bigquery.tables.getData", "bigquery.tables.updateData"})
_OF_A_STATEMENT = {
    "drop": frozenset({"bigquery.tables.delete"}),
    "alter": frozenset({"bigquery.tables.get", "bigquery.tables.update"}),
    "create": frozenset({"bigquery.tables.create", "bigquery.tables.updateData"}),
}


def needed_of_sql(sql: str) -> dict[str, frozenset[str]]:
    """By dataset, what a statement of ours or of dbt's needs there: it writes each table with all parts of its name."""
    found: dict[str, frozenset[str]] = {}
    for verb, dataset in _TABLE_NAMED.findall(sql.replace("`.`", ".")):
        reads = _CHANGES if verb else frozenset({"bigquery.tables.getData"})
        found[dataset] = found.get(dataset, frozenset()) | _OF_A_STATEMENT.get(verb.lower(), reads)
    return found


def needed_by_dataset(method: str, path: str, body: Mapping[str, Any] | None) -> dict[str, frozenset[str]]:
    """By dataset, what a request needs, with what its statement or load job reads and writes; "" is the project."""
    place = re.search(r"/datasets/([^/?]+)", path)
    found = {place[1] if place else "": needed(method, path)}
    asked = body or {}
    job = asked.get("configuration", {})
    if "load" in job:
        found[job["load"]["destinationTable"]["datasetId"]] = _CHANGES | _OF_A_STATEMENT["create"]
    return found | needed_of_sql(job.get("query", {}).get("query") or asked.get("query") or "")


def needed_of_storage(method: str, path: str) -> frozenset[str]:
    """What a request to Cloud Storage needs. Raises KeyError as `needed` does."""
    for known, pattern, permissions in STORAGE_METHODS:
        if re.fullmatch(known, method) and re.fullmatch(pattern, path.partition("?")[0]):
            return permissions
    raise KeyError(f"{method} {path}: say in STORAGE_METHODS what it needs")


def needed(method: str, path: str) -> frozenset[str]:
    """What a request needs.

    Raises:
        KeyError: nobody has said what such a request needs.
    """
    for known, pattern, permissions in METHODS:
        if method == known and re.fullmatch(pattern, path.partition("?")[0]):
            return permissions
    raise KeyError(f"{method} {path}: say in METHODS what it needs")
