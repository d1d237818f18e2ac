import re

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from spark_jobs.warehouse.client import with_values
from spark_jobs.warehouse.job_labels import Work, label_jobs, labels_of, sanitized

TAKEN = re.compile(r"[a-z0-9_-]{0,63}")
"""What BigQuery's documentation allows, less the letters of other alphabets."""


def test_labels_say_what_a_job_is_for_and_of_which_pipeline() -> None:
    assert labels_of(Work.VERIFY, "payments") == {"payments_work": "verify", "payments_pipeline": "payments"}


@pytest.mark.parametrize("text", ["Payments EU", "a.b/c", "Zürich", "x" * 200, ""])
def test_whatever_a_pipeline_is_called_bigquery_takes_the_label(text: str) -> None:
    assert TAKEN.fullmatch(sanitized(text))


def test_every_query_and_load_of_a_client_carries_them_beside_its_own_configuration() -> None:
    client = bigquery.Client(project="p", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
    label_jobs(client, "payments", Work.BATCH)
    sent: list[dict[str, object]] = []

    class Connection:
        def api_request(self, **request: object) -> dict[str, object]:
            data = request["data"]
            assert isinstance(data, dict)
            sent.append(data["configuration"])
            return {"jobReference": {"projectId": "p", "jobId": "j"}, "configuration": data["configuration"]}

    client._connection = Connection()  # type: ignore[assignment]
    client.query("select @a", job_config=with_values({"a": 1}), job_id="j", job_retry=None)
    load = bigquery.LoadJobConfig(source_format="PARQUET")
    client.load_table_from_uri("gs://b/o", "p.d.t", job_config=load)
    assert [each["labels"] for each in sent] == [{"payments_work": "batch", "payments_pipeline": "payments"}] * 2
    assert "queryParameters" in str(sent[0])
    assert "PARQUET" in str(sent[1])
