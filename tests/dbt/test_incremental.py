"""Whatever comes, and whenever it is built: what dbt keeps as tables is what it would make of everything anew."""

from collections.abc import Iterable
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

from spark_jobs.warehouse.client import run
from tests.dbt.conftest import DbtWarehouse
from tests.dbt.histories import BLOCKED, History

pytestmark = [
    pytest.mark.integration,
    pytest.mark.long,
    # dbt's own, in this process.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning"),
]

CURRENT = "payment_fraud_current"
ALERTED = "int_payments__alerted"
KEYS = {
    "int_accounts__days": ("day", "trait"),
    "int_accounts__habits": ("day", "trait"),
    "payment_transactions_fraud": ("transaction_id",),
    ALERTED: ("transaction_id",),
    "payment_metrics": ("window_start", "currency", "region", "payment_method"),
    CURRENT: ("transaction_id",),
}
SUMMED_UP = ("int_accounts__days", "int_accounts__habits", "payment_metrics")
KEYED = ("int_accounts__days", "int_accounts__habits", "payment_transactions_fraud", ALERTED)
"""What the tables of payments are built of, and they themselves: the last two."""
SUMS = "int_deliveries__totals"
"""Kept too, by the build that saw the deliveries: what its readers add up has to be the same."""
TABLES = tuple(name for name in KEYS if name != CURRENT)
"""In the order of the graph."""
EVERY_DAY = "fraud_queue_days: 4000"
"""The histories are old: the alert queue shows them all."""
ALERT_FROM = 40
"""The lowest threshold of the seed fraud_queue_limits."""
NOT_YET = 99_999_999
"""Minutes: the histories are old, so by the warehouse's clock scores would be due in each build."""
HABIT_DAYS = 4
"""Of which habits are kept: the macro kept_habits."""
ROUNDS = 3
SEED = 7


class Dbt:
    """dbt in this process, which parses the project once."""

    def __init__(self, warehouse: DbtWarehouse) -> None:
        # A log's file would stay open for as long as this process lives.
        self._options = [*warehouse.folders(), "--log-level-file", "none"]
        manifest = dbtRunner().invoke(["parse", *self._options]).result
        assert isinstance(manifest, Manifest)
        self._runner = dbtRunner(manifest)

    def seed(self) -> None:
        self._invoke("seed")

    def run(self, *models: str, full: bool = False, score_minutes: int = 60) -> None:
        variables = f"{{{EVERY_DAY}, fraud_build_minutes: {score_minutes}}}"
        self._invoke("run", *(["--full-refresh"] if full else []), "--vars", variables, "--select", *models)

    def _invoke(self, command: str, *options: str) -> None:
        done = self._runner.invoke([command, *self._options, "--quiet", *options])
        messages = [result.message for result in getattr(done.result, "results", ()) if result.status != "success"]
        assert done.success, done.exception or messages


@pytest.fixture
def history(warehouse: DbtWarehouse) -> History:
    """One that has begun, the same each time."""
    history = History(warehouse, Random(SEED))  # noqa: S311 - it has to be the same each time
    history.begin()
    return history


@pytest.fixture
def dbt(warehouse: DbtWarehouse, history: History, monkeypatch: pytest.MonkeyPatch) -> Dbt:
    """On the warehouse of the history, with its seeds."""
    assert history
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", warehouse.settings.emulator_host or "")
    monkeypatch.setenv("DBT_TARGET", "local")
    dbt = Dbt(warehouse)
    dbt.seed()
    return dbt


def kept(
    warehouse: DbtWarehouse, tables: Iterable[str] = tuple(KEYS)
) -> dict[str, dict[tuple[Any, ...], dict[str, Any]]]:
    """Of what may be an alert without what has fallen below the threshold since: no queue shows it."""
    return {
        table: {
            tuple(row[name] for name in KEYS[table]): row
            for row in warehouse.rows(table)
            if table != ALERTED or row["fraud_score"] >= ALERT_FROM or row["receiver_account_id"] == BLOCKED
        }
        for table in tables
    }


def summed_up(warehouse: DbtWarehouse) -> dict[tuple[Any, ...], dict[str, Any]]:
    query = f"""
        select day, topic, kafka_partition, currency, disposition, sum(record_count) as record_count,
            sum(amount_minor) as amount_minor, sum(hash_total) as hash_total, min(min_offset) as min_offset,
            max(max_offset) as max_offset, min(first_batch_id) as first_batch_id, max(last_batch_id) as last_batch_id
        from `{warehouse.settings.project}.{warehouse.settings.dataset}.{SUMS}`
        group by day, topic, kafka_partition, currency, disposition
        """
    key = ("day", "topic", "kafka_partition", "currency", "disposition")
    return {tuple(row[name] for name in key): row for row in run(warehouse.client, query, {})}


def test_an_incremental_build_equals_a_full_one_row_by_row_on_any_history(
    warehouse: DbtWarehouse, history: History, dbt: Dbt
) -> None:
    dbt.run(f"+{CURRENT}", ALERTED, "+payment_metrics", f"+{SUMS}", full=True)
    for number in range(ROUNDS):
        for _ in range(history.random.randint(1, 3)):
            history.commit()
        # A commit between any two models: as in mid-build. In every other round scores are not due.
        for model in (*TABLES, SUMS):
            dbt.run(model, score_minutes=NOT_YET if number % 2 else 60)
            if history.random.random() < 0.5:
                history.commit()
        # Whether or not the mart was due: what it has not built is worked out, but for what was decided since.
        dbt.run(CURRENT)
        ids = [row["transaction_id"] for row in warehouse.rows(CURRENT)]
        decided = {row["transaction_id"] for row in warehouse.rows("payment_corrections")}
        assert len(ids) == len(set(ids))
        assert set(history.payments) - set(ids) <= decided
    dbt.run(*TABLES, SUMS, CURRENT, score_minutes=0)
    built, sums = kept(warehouse), summed_up(warehouse)
    builds = {row["since_batch_id"] for row in warehouse.rows(SUMS)}
    assert built[CURRENT] == built["payment_transactions_fraud"]
    dbt.run(*TABLES, SUMS, CURRENT, full=True)
    made_anew = kept(warehouse)
    assert len(builds) > 1, "no build added to the sums"
    assert sums == summed_up(warehouse) != {}
    assert len(made_anew["payment_transactions_fraud"]) == history.stored() > 0
    assert {row["receiver_account_id"] == BLOCKED for row in made_anew[ALERTED].values()} >= {True}
    assert any(row["first_at"] for row in made_anew["int_accounts__habits"].values())
    known_on = {day for day, _ in built["int_accounts__habits"]}
    assert max(known_on) - min(known_on) < timedelta(days=HABIT_DAYS)
    # So that what was known of an old payment was read from days.
    corrected = [row["event_time"].date() for row in warehouse.rows("payment_corrections")]
    assert min(corrected) <= max(known_on) - timedelta(days=HABIT_DAYS)
    for table in KEYS:
        assert built[table] == made_anew[table], table


def test_an_erasure_makes_its_own_days_anew_and_no_others(warehouse: DbtWarehouse, history: History, dbt: Dbt) -> None:
    for _ in range(8):
        history.commit()
    dbt.run("+int_accounts__habits", "+payment_metrics", full=True)
    counted = kept(warehouse, SUMMED_UP)
    days = history.erase("account-1")
    others = {key[0].date() for key in counted["payment_metrics"]} - days
    assert days
    assert others
    # What no build of the erasure's days touches says afterwards what it said before, right or wrong.
    untouched = max(others - {max(others | days)})
    marked = "update {payment_metrics} set distinct_senders = 99 where date(window_start) = date " + f"'{untouched}'"
    warehouse.run(marked)
    # A batch and a decision that come meanwhile are merged as ever.
    for _ in range(2):
        history.publish(5)
    history.decide()
    dbt.run(*SUMMED_UP)
    built = kept(warehouse, SUMMED_UP)
    touched = [row for row in built["payment_metrics"].values() if row["window_start"].date() == untouched]
    assert {row["distinct_senders"] for row in touched} == {99}
    dbt.run(*SUMMED_UP, full=True)
    made_anew = kept(warehouse, SUMMED_UP)
    built["payment_metrics"] |= {k: r for k, r in made_anew["payment_metrics"].items() if k[0].date() == untouched}
    assert built["payment_metrics"].keys() < counted["payment_metrics"].keys() | built["payment_metrics"].keys()
    for table in SUMMED_UP:
        assert built[table] == made_anew[table], table


def test_what_was_erased_after_a_build_has_read_it_does_not_come_back_with_it(
    warehouse: DbtWarehouse, history: History, dbt: Dbt
) -> None:
    for _ in range(3):
        history.commit()
    dbt.run("+payment_transactions_fraud", ALERTED, full=True)
    before = set(history.payments)
    history.publish(5)
    new = sorted(set(history.payments) - before)
    # The payment is still there, as for a statement that began before the erasure's transaction.
    warehouse.run(f"insert into {{payment_erased_ids}} (erasure_id, id_hash) values (1, md5('{new[0]}'))")
    dbt.run(*KEYED, score_minutes=0)
    for table in KEYED[-2:]:
        assert new[0] not in {row["transaction_id"] for row in warehouse.rows(table)}
    assert {row["transaction_id"] for row in warehouse.rows("payment_transactions_fraud")} >= set(new[1:])


def test_scores_of_a_batch_are_made_by_a_later_build_also_where_no_other_batch_comes(
    warehouse: DbtWarehouse, history: History, dbt: Dbt
) -> None:
    history.publish(5)
    dbt.run("+payment_transactions_fraud", full=True)
    told = history.clock
    history.publish(5)
    # By the control row's clock no time has passed.
    warehouse.run(f"update {{pipeline_control}} set updated_at = timestamp '{told}' where true")
    scored = []
    for score_minutes in (NOT_YET, 60):
        dbt.run(*KEYED, score_minutes=score_minutes)
        scored.append({row["transaction_id"] for row in warehouse.rows("payment_transactions_fraud")})
    assert len(scored[0]) < len(scored[1]) == len(history.payments)


def test_traits_of_an_older_version_are_made_anew_by_the_next_build(
    warehouse: DbtWarehouse, history: History, dbt: Dbt
) -> None:
    memory = SUMMED_UP[:2]
    for _ in range(4):
        history.commit()
    dbt.run(f"+{memory[1]}", full=True)
    before = kept(warehouse, memory)
    for table in memory:
        warehouse.run(f"update {{{table}}} set trait = trait + 1 where true")
        stored = warehouse.client.get_table(f"{warehouse.settings.project}.{warehouse.settings.dataset}.{table}")
        head = stored.labels["built"].split("-")[:4]
        stored.labels = {"built": "-".join(head)}
        warehouse.client.update_table(stored, ["labels"])
    dbt.run(*memory)
    assert kept(warehouse, memory) == before != {table: {} for table in memory}
