"""A dataset that is there needs no leave to create one."""

from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from google.api_core.exceptions import Forbidden, NotFound
from google.cloud import bigquery

from spark_jobs.settings import read_job_settings
from spark_jobs.warehouse import schema_version
from spark_jobs.warehouse.table_setup import make_dataset

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
