"""What has expired is deleted by whole days; row by row only where a newer batch has brought a row of an old day."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from google.cloud.bigquery import Table, TimePartitioning

from benchmarks.bytes.analyzer import Warehouse
from spark_jobs.retention import deletion
from spark_jobs.retention.deletion import FOLLOWING, clear_raw_values, delete_days, delete_incidents, let_expire
from spark_jobs.retention.kept import DELIVERIES, PAYMENTS, Mark, Rule
from spark_jobs.settings import read_job_settings
from spark_jobs.tables import catalog
from spark_jobs.warehouse.client import with_values

DBT_PROJECT = Path(__file__).parents[4] / "dbt_project"
MARK = Mark(date(2026, 11, 1), 7)
DAY = timedelta(days=1)
SETTINGS = read_job_settings({"PAYMENTS_KEEP_INCIDENTS_DAYS": "30"})
DELIVERED = Rule(DELIVERIES, catalog.DELIVERIES, 30)
PAID = Rule(PAYMENTS, catalog.TRANSACTIONS, 40)


@dataclass
class Fake:
    """A warehouse that says how old the oldest row of newer batches is."""

    oldest: datetime | None = None
    marts: tuple[str, ...] = ()
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def run(self, _client: Any, sql: str, values: dict[str, Any], *_: Any) -> list[dict[str, Any]]:
        self.sent.append((" ".join(sql.split()), values))
        return [{"oldest": self.oldest}]

    def list_tables(self, *_: Any, **__: Any) -> list[SimpleNamespace]:
        return [SimpleNamespace(table_id=name) for name in (*self.marts, "payment_metrics")]

    def deleted(self) -> list[tuple[str, dict[str, Any]]]:
        return [(sql, values) for sql, values in self.sent if sql.startswith("delete")]


@pytest.fixture
def warehouse(monkeypatch: pytest.MonkeyPatch) -> Fake:
    fake = Fake()
    monkeypatch.setattr(deletion, "run", fake.run)
    return fake


def test_a_day_that_a_batch_went_over_goes_the_day_after(warehouse: Fake) -> None:
    warehouse.oldest = MARK.moment - timedelta(seconds=2)
    delete_days(warehouse, SETTINGS, DELIVERED, MARK)  # type: ignore[arg-type]
    [(sql, values)] = warehouse.deleted()
    assert sql.endswith("payment_deliveries` where kafka_timestamp < @before")
    assert values == {"before": MARK.moment - DAY}


def test_without_a_newer_batch_every_day_before_the_mark_goes_whole(warehouse: Fake) -> None:
    delete_days(warehouse, SETTINGS, DELIVERED, MARK)  # type: ignore[arg-type]
    assert [values for _, values in warehouse.deleted()] == [{"before": MARK.moment}]


def test_what_a_newer_batch_has_brought_of_an_old_day_stays(warehouse: Fake) -> None:
    warehouse.oldest = datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)
    delete_days(warehouse, SETTINGS, DELIVERED, MARK)  # type: ignore[arg-type]
    (_, whole), (sql, rows) = warehouse.deleted()
    assert whole == {"before": datetime(1969, 12, 31, tzinfo=UTC)}
    assert sql.endswith("kafka_timestamp >= @since and kafka_timestamp < @kept_from and batch_id <= @last_batch_id")
    assert rows == {"since": whole["before"], "kept_from": MARK.moment, "last_batch_id": 7}


def test_what_dbt_keeps_of_payments_and_accounts_goes_with_the_payments_and_sums_stay(warehouse: Fake) -> None:
    warehouse.marts = ("payment_transactions_fraud", "int_accounts__days")
    delete_days(warehouse, SETTINGS, PAID, MARK)  # type: ignore[arg-type]
    tables = [sql.split("`")[1].split(".")[-1] for sql, _ in warehouse.deleted()]
    assert tables == ["payment_transactions", "int_accounts__days", "payment_transactions_fraud"]


def test_a_deletion_compares_the_partitions_column_itself_so_that_whole_days_go_for_nothing() -> None:
    models = {path.stem: path.read_text() for path in (DBT_PROJECT / "models").rglob("*.sql")}
    for name, condition in FOLLOWING.items():
        assert condition == ("day < date(@before)" if "by='day'" in models[name] else "event_time < @before")


def test_the_statements_are_ones_that_bigquerys_own_analyzer_accepts(warehouse: Fake) -> None:
    warehouse.oldest = datetime(2020, 1, 1, tzinfo=UTC)
    for rule in (DELIVERED, PAID):
        delete_days(warehouse, SETTINGS, rule, MARK)  # type: ignore[arg-type]
    clear_raw_values(warehouse, SETTINGS, MARK, None)  # type: ignore[arg-type]
    delete_incidents(warehouse, SETTINGS, MARK.moment)  # type: ignore[arg-type]
    analyzer = Warehouse()
    for sql, values in warehouse.sent:
        analyzer.accept(sql, with_values(values).query_parameters)


def test_raw_values_are_cleared_day_by_day_from_where_they_were_cleared_last(warehouse: Fake) -> None:
    before = Mark(MARK.kept_from - DAY, 6)
    assert clear_raw_values(warehouse, SETTINGS, MARK, before) == MARK  # type: ignore[arg-type]
    assert [(values["since"], values["until"]) for _, values in warehouse.sent] == [
        (MARK.moment - 2 * DAY, MARK.moment - DAY),
        (MARK.moment - DAY, MARK.moment),
    ], "the day before the mark again, as a batch goes over midnight"


def test_what_was_stored_before_is_cleared_in_the_nights_after(warehouse: Fake) -> None:
    warehouse.oldest = MARK.moment - 10 * DAY + timedelta(hours=5)
    cleared = clear_raw_values(warehouse, SETTINGS, MARK, None)  # type: ignore[arg-type]
    assert cleared == Mark(MARK.kept_from - 2 * DAY, 7)
    _, (_, first), *others = warehouse.sent
    assert (first["since"].year, first["until"]) == (1970, MARK.moment - 9 * DAY)
    assert len(others) == 7
    assert clear_raw_values(warehouse, SETTINGS, MARK, cleared) == MARK  # type: ignore[arg-type]


def test_bigquery_itself_deletes_what_is_partitioned_by_the_time_of_writing() -> None:
    table = Table("p.d.health_history")
    table.time_partitioning = TimePartitioning(field="measured_at")
    changed: list[list[str]] = []

    def update(_table: Table, fields: list[str], **_: Any) -> None:
        changed.append(fields)

    client: Any = SimpleNamespace(get_table=lambda *_, **__: table, update_table=update)
    let_expire(client, "p.d.health_history", 30)
    assert table.time_partitioning.expiration_ms == 30 * 86_400_000
    let_expire(client, "p.d.health_history", 30)
    assert changed == [["time_partitioning"]], "no request where it is so already"


def test_local_history_is_deleted_by_a_statement(warehouse: Fake) -> None:
    delete_incidents(warehouse, SETTINGS, MARK.moment)  # type: ignore[arg-type]
    tables = [sql.split("`")[1].split(".")[-1] for sql, _ in warehouse.deleted()]
    assert tables == ["pipeline_incidents", "health_history"]
