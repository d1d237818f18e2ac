"""Every statement that the tests send to the local warehouse, held against Google's own analyzer.

Belongs here: recording, and asking the analyzer about what is new. Does not belong here: the analyzer
(benchmarks.bytes).
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pytest
from google.cloud import bigquery
from zetasql.api import TypeFactory
from zetasql.types import Type

from benchmarks.bytes.analyzer import Warehouse, simple
from orchestration.breaks.naive.pipeline import TABLE
from spark_jobs.corrections.backfill import _NOT_STAGED
from spark_jobs.reading.records import RECORD_SCHEMA
from spark_jobs.streaming.staged_files import STAGED_SCHEMA
from spark_jobs.tables import catalog

ENDS_ITS_SESSION = "call bq.abort_session()"
"""A procedure of BigQuery's own, which the analyzer does not have."""

_DATASET = re.compile(r"`[\w-]+\.\w+\.(?=\w+`)")
_NUMBERED = re.compile(r"\bpayment_data_\d+\b")
_STAGING = re.compile(r"`[\w-]+\.\w+\.staging_(corrections_|backfill_|erasure_|totals_)?\w+`")
_ARROW = {pa.int32(): "INT64", pa.int64(): "INT64", pa.string(): "STRING", pa.binary(): "BYTES", pa.bool_(): "BOOL"}


class Statements:
    """Statements by their text, without project, dataset and batch; each is asked about once."""

    def __init__(self) -> None:
        self._seen: dict[str, Sequence[Any]] = {}
        self._accepted: set[str] = set()
        self._warehouse: Warehouse | None = None

    @contextmanager
    def recorded(self, patch: pytest.MonkeyPatch) -> Iterator[None]:
        """While this lasts."""
        query = bigquery.Client.query

        def noted(client: bigquery.Client, sql: str, job_config: Any = None, **options: Any) -> Any:
            text = _STAGING.sub(lambda found: f"`staged_{found[1] or ''}rows`", sql)
            text = _NUMBERED.sub("payment_data", _DATASET.sub("`", text))
            if text == ENDS_ITS_SESSION:
                return query(client, sql, job_config=job_config, **options)
            self._seen.setdefault(text, job_config.query_parameters if job_config else ())
            return query(client, sql, job_config=job_config, **options)

        with patch.context() as patched:
            patched.setattr(bigquery.Client, "query", noted)
            yield

    def check(self) -> None:
        """Raises the analyzer's error for a statement that it does not accept."""
        for text, parameters in self._seen.items():
            if text not in self._accepted:
                self._catalog().accept(text, parameters)
                self._accepted.add(text)

    def _catalog(self) -> Warehouse:
        if self._warehouse is None:
            self._warehouse = Warehouse()
            self._warehouse.add("staged_rows", {field.name: _type_of(field.type) for field in STAGED_SCHEMA})
            decided = [*catalog.CORRECTIONS.columns[1:3], *catalog.TRANSACTIONS.columns]
            columns = {"number": simple("INT64")} | {column.name: simple(column.type) for column in decided}
            self._warehouse.add("staged_corrections_rows", columns)
            place = {column.name: simple(column.type) for column in catalog.DELIVERIES.columns[:3]}
            self._warehouse.add("staged_erasure_rows", place)
            totals = {column.name: simple(column.type) for column in catalog.CONTROL_TOTALS.columns}
            self._warehouse.add("staged_totals_rows", totals)
            mart = {"transaction_id": simple("STRING"), "event_time": simple("TIMESTAMP")}
            self._warehouse.add("payment_transactions_fraud", mart)
            self._warehouse.add("payment_returns", {"original_transaction_id": simple("STRING")})
            reread = {f.name: _type_of(f.type) for f in RECORD_SCHEMA if f.name not in _NOT_STAGED}
            self._warehouse.add("staged_backfill_rows", reread | {"reason_text": simple("STRING")})
            payment = {column.name: simple(column.type) for column in catalog.TRANSACTIONS.columns}
            health = {
                "metric": "STRING",
                "value": "NUMERIC",
                "target": "STRING",
                "status": "STRING",
                "detail": "STRING",
            }
            self._warehouse.add("pipeline_health", {name: simple(kind) for name, kind in health.items()})
            self._warehouse.add(TABLE, {"transaction_id": simple("STRING"), "amount_minor": simple("INT64")})
            self._warehouse.add("payment_transactions_promoted", payment | {"loyalty_points": simple("NUMERIC")})
        return self._warehouse


def _type_of(arrow: pa.DataType) -> Type:
    if pa.types.is_list(arrow):
        return TypeFactory.create_array_type(simple("STRING"))
    if pa.types.is_timestamp(arrow):
        return simple("TIMESTAMP")
    if pa.types.is_fixed_size_binary(arrow):
        return simple("BYTES")
    return simple("NUMERIC" if pa.types.is_decimal(arrow) else _ARROW[arrow])
