"""A dataset of a test's own in the local warehouse."""

from pathlib import Path
from typing import Any

from google.cloud import bigquery

from spark_jobs.sinks.bigquery.publisher import load_config


class Tables:
    """Tables of one dataset, loaded as the stream loads them."""

    def __init__(self, client: bigquery.Client, dataset: str) -> None:
        self.client, self.dataset = client, dataset

    def load(self, name: str, *files: Path) -> bigquery.Table:
        uris, table = [f"file://{file}" for file in files], f"{self.dataset}.{name}"
        self.client.load_table_from_uri(uris, table, job_config=load_config()).result()
        return self.client.get_table(table)

    def rows(self, name: str) -> list[dict[str, Any]]:
        return [dict(row) for row in self.client.query_and_wait(f"select * from `{self.dataset}.{name}` order by 1")]
