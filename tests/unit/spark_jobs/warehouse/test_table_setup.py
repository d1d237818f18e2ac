"""A dataset that is there needs no leave to create one; a start beside what is published makes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from google.api_core.exceptions import Forbidden, NotFound
from google.cloud import bigquery

from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.settings import read_job_settings
from spark_jobs.tables.catalog import CONTROL, TABLES, Layer
from spark_jobs.tables.migrations import newest_version
from spark_jobs.warehouse import schema_version, table_setup
from spark_jobs.warehouse.schema_version import VERSION_LABEL
from spark_jobs.warehouse.table_setup import ensure_tables, make_dataset

SETTINGS = replace(read_job_settings({}), dataset="theirs", location="EU")


@dataclass
class Datasets:
    """A project's datasets, and who may create more."""

    there: set[str] = field(default_factory=set)
    may_create: bool = True
    created: list[bigquery.Dataset] = field(default_factory=list)

    def get_dataset(self, reference: bigquery.DatasetReference, **_: Any) -> bigquery.Dataset:
        if reference.dataset_id not in self.there:
            raise NotFound("no such dataset")  # type: ignore[no-untyped-call]
        return bigquery.Dataset(reference)

    def create_dataset(self, dataset: bigquery.Dataset, *, exists_ok: bool, **_: Any) -> bigquery.Dataset:
        assert exists_ok, "another process may have made it in between"
        if not self.may_create:
            raise Forbidden("bigquery.datasets.create")  # type: ignore[no-untyped-call]
        self.created.append(dataset)
        return dataset


def made(datasets: Datasets) -> list[bigquery.Dataset]:
    make_dataset(cast("bigquery.Client", datasets), SETTINGS)
    return datasets.created


def test_a_dataset_that_is_there_is_used_without_leave_to_create_one() -> None:
    assert made(Datasets({"theirs"}, may_create=False)) == []


def test_a_dataset_that_is_missing_is_created_where_the_settings_say() -> None:
    [dataset] = made(Datasets())
    assert (dataset.dataset_id, dataset.location) == ("theirs", "EU")


def test_a_dataset_that_is_missing_and_may_not_be_created_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_version, "PAUSES_SECONDS", ())
    with pytest.raises(Forbidden):
        made(Datasets(may_create=False))


ONE = read_job_settings({"BIGQUERY_DATASET": "ours", "BIGQUERY_LOCATION": "EU"})
TWO = read_job_settings({"BIGQUERY_DATASET": "ours", "BIGQUERY_RAW_DATASET": "raw", "BIGQUERY_LOCATION": "EU"})
RAW = {table.name for table in TABLES if table.layer is Layer.RAW}
OURS = {table.name for table in TABLES} - RAW


@dataclass(frozen=True)
class Item:
    table_id: str

    @property
    def labels(self) -> dict[str, str]:
        return {VERSION_LABEL: str(newest_version())} if self.table_id == CONTROL.name else {}


@dataclass
class Project:
    """Datasets with the names of their tables, and up to which batch the control row knows."""

    there: Mapping[str, set[str]]
    published: int = 7
    locations: Mapping[str, str] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)

    def list_tables(self, dataset: str, **_: Any) -> list[Item]:
        return [Item(name) for name in sorted(self._of(dataset))]

    def get_dataset(self, dataset: str | bigquery.DatasetReference, **_: Any) -> bigquery.Dataset:
        reference = bigquery.DatasetReference.from_string(dataset) if isinstance(dataset, str) else dataset
        self._of(f"{reference.project}.{reference.dataset_id}")
        found = bigquery.Dataset(reference)
        found.location = self.locations.get(reference.dataset_id, "eu")
        return found

    def create_dataset(self, dataset: bigquery.Dataset, **_: Any) -> None:
        assert dataset.location == "EU"
        self.made.append(dataset.dataset_id)

    def create_table(self, table: bigquery.Table, **_: Any) -> None:
        self.made.append(f"{table.dataset_id}.{table.table_id}")

    def _of(self, dataset: str) -> set[str]:
        name = dataset.removeprefix("payments-local.")
        if name not in self.there:
            raise NotFound("no such dataset")  # type: ignore[no-untyped-call]
        return self.there[name]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Any:
    def started(project: Project, settings: Any = TWO) -> list[str]:
        monkeypatch.setattr(table_setup, "run", lambda *_: [{"newest": project.published}])
        monkeypatch.setattr(table_setup, "conclude", lambda *_: None)
        ensure_tables(cast("bigquery.Client", project), settings)
        return project.made

    return started


def refusal(start: Any, project: Project, settings: Any = TWO) -> str:
    with pytest.raises(Incident) as refused:
        start(project, settings)
    assert refused.value.kind is IncidentKind.WAREHOUSE_FAILED
    assert "\n" not in str(refused.value)
    assert project.made == []
    return str(refused.value)


def test_a_first_start_makes_each_dataset_and_each_table_in_its_own(start: Any) -> None:
    made = start(Project({}))
    assert made[:3] == ["raw", "ours", "ours.pipeline_control"]
    assert set(made[2:]) == {f"raw.{name}" for name in RAW} | {f"ours.{name}" for name in OURS}


def test_datasets_that_are_there_are_not_made_again(start: Any) -> None:
    assert start(Project({"raw": RAW, "ours": OURS})) == []
    assert start(Project({"ours": RAW | OURS}), ONE) == []


def test_a_start_that_was_cut_off_is_gone_on_with(start: Any) -> None:
    made = start(Project({"ours": {CONTROL.name}}, published=0))
    assert "raw" in made
    assert "raw.payment_deliveries" in made
    assert "ours.pipeline_control" not in made


def test_raw_records_are_not_begun_anew_where_they_are_still_in_the_one_dataset(start: Any) -> None:
    said = refusal(start, Project({"ours": RAW | OURS}))
    assert "payment_deliveries is in payments-local.ours, and the settings look for it in payments-local.raw" in said


def test_a_copy_that_was_left_behind_has_to_go(start: Any) -> None:
    said = refusal(start, Project({"ours": RAW | OURS, "raw": RAW}))
    assert "is in payments-local.raw and in payments-local.ours: drop the copy" in said


def test_a_process_that_was_not_told_of_the_raw_dataset_makes_no_second_one(start: Any) -> None:
    said = refusal(start, Project({"ours": OURS}), ONE)
    assert "payments-local.ours knows published batches, and payments-local.ours has no payment_deliveries" in said


def test_a_raw_dataset_of_another_pipeline_is_not_published_into_from_the_first_offset(start: Any) -> None:
    said = refusal(start, Project({"raw": RAW}))
    assert "payments-local.raw has payment_deliveries, and payments-local.ours has no pipeline_control" in said


def test_two_datasets_of_two_locations_are_refused(start: Any) -> None:
    project = Project({"raw": RAW, "ours": OURS}, locations={"raw": "US"})
    assert "dataset payments-local.raw is in US, and BIGQUERY_LOCATION is EU" in refusal(start, project)
