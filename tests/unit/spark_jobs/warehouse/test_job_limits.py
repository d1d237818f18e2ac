import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from benchmarks.bytes.page import FIGURES as METERED
from benchmarks.bytes.page import largest
from spark_jobs.warehouse.client import with_values
from spark_jobs.warehouse.job_labels import DBT_WORK, Work
from spark_jobs.warehouse.job_limits import (
    FULL,
    LEAST_BYTES,
    RENEWAL,
    ROOM,
    figures,
    most_bytes,
    most_seconds,
    prepare_jobs,
)
from spark_jobs.warehouse.retries import REQUEST_SECONDS
from tests.unit.spark_jobs.batches import SETTINGS


def test_every_query_and_load_of_a_client_carries_labels_and_limits_beside_its_own_configuration() -> None:
    client = bigquery.Client(project="p", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
    prepare_jobs(client, "payments", Work.BATCH, 7 * LEAST_BYTES)
    sent: list[dict[str, Any]] = []

    class Connection:
        def api_request(self, **request: Any) -> dict[str, object]:
            sent.append(request["data"]["configuration"])
            return {"jobReference": {"projectId": "p", "jobId": "j"}, "configuration": sent[-1]}

    client._connection = Connection()  # type: ignore[assignment]
    job = client.query("select @a", job_config=with_values({"a": 1}), job_id="j", job_retry=None)
    load = bigquery.LoadJobConfig(source_format="PARQUET")
    client.load_table_from_uri("gs://b/o", "p.d.t", job_config=load)
    query, loaded = sent
    assert query["labels"] == loaded["labels"] == {"payments_work": "batch", "payments_pipeline": "payments"}
    assert query["query"]["maximumBytesBilled"] == str(7 * LEAST_BYTES)
    assert query["jobTimeoutMs"] == loaded["jobTimeoutMs"] == job.configuration.job_timeout_ms == "600000"
    assert query["query"]["queryParameters"]
    assert loaded["load"]["sourceFormat"] == "PARQUET"


LABELS = {
    RENEWAL: Work.BATCH,
    FULL: Work.VERIFY,
    # dbt's jobs share one limit, the greatest of theirs.
    "hour": Work.REBUILD,
    "night": Work.REBUILD,
    "week": Work.REBUILD,
    "fraud": Work.PLATFORM,
    "backup": Work.PLATFORM,
}


def label_of(work: str) -> Work:
    """The label that jobs of a work of the meter's carry."""
    return LABELS.get(work) or Work(work)


def test_a_limit_leaves_room_above_whatever_the_meter_says_of_the_planned_traffic() -> None:
    now = largest(json.loads(METERED.read_text()))
    for work, by_days in now.items():
        for days, count in by_days.items():
            for rate in (10_000, 100_000):
                planned = replace(SETTINGS, planned_per_second=rate, planned_days=int(days))
                assert most_bytes(planned, label_of(work)) >= 2 * count * rate / 10_000, "run `make bytes`"


def test_what_was_never_metered_may_read_what_the_largest_statement_does() -> None:
    assert Work.TOTALS not in figures()
    assert most_bytes(SETTINGS, Work.TOTALS) == max(most_bytes(SETTINGS, label_of(work)) for work in figures())


@pytest.mark.parametrize(
    ("planned", "times"),
    [({"planned_per_second": 20_000}, 2), ({"lookback_days": 30}, 10), ({"planned_days": 730}, 2), ({}, 1)],
)
def test_a_batchs_limit_grows_with_what_is_planned(planned: dict[str, int], times: int) -> None:
    usual = ROOM * max(figures()[work][365] for work in (Work.BATCH, RENEWAL))
    assert most_bytes(replace(SETTINGS, **planned), Work.BATCH) == times * usual  # type: ignore[arg-type]


def test_a_small_pipeline_is_not_refused_for_cents() -> None:
    assert most_bytes(replace(SETTINGS, planned_per_second=1, planned_days=1), Work.BATCH) == LEAST_BYTES


def test_no_job_is_given_up_sooner_than_a_request() -> None:
    assert all(most_seconds(work) > REQUEST_SECONDS for work in Work)


def test_dbt_by_itself_may_read_what_the_default_plan_needs() -> None:
    profile = (Path(__file__).parents[4] / "dbt_project" / "profiles.yml").read_text()
    [default] = re.findall(r"env_var\('PAYMENTS_BUILD_MAX_BYTES_BILLED', '(\d+)'\)", profile)
    metered = largest(json.loads(METERED.read_text()))
    assert int(default) >= 2 * max(metered[work]["365"] for work in DBT_WORK)
