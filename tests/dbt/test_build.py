import json
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from orchestration.assets.column_lineage import FILE
from orchestration.backtest.run import BacktestConfig
from orchestration.backtest.scoring import FALSE_POSITIVE_BUDGET
from orchestration.cli.fraud.queue import queue_sql
from orchestration.dashboard.answer import Verdict, answer
from orchestration.dashboard.gathering import gather
from orchestration.dashboard.ids.samples import STATEMENTS
from orchestration.dashboard.statements import ALL, COSTS, LAG, RELATIONS
from orchestration.settings import read_stack_settings
from simulator.faults.typologies import Typology
from spark_jobs.erasure.erase import erase
from spark_jobs.tables.names import sql_names
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.job_labels import PIPELINE_LABEL, WORK_LABEL, Work
from tests.dbt.breaks import BREAKS, GENERIC_BREAKS, MART_BREAKS, MARTS, RULES, VALUED, Break
from tests.dbt.compiled import refused
from tests.dbt.conftest import Build, DbtWarehouse
from tests.dbt.sample import LEAVER, RULE, correct, correction, deliveries, settlement, tables
from tests.dbt.traced_columns import traced_columns

pytestmark = pytest.mark.integration

BUILT = (
    "payment_errors",
    "ignored_records",
    "payment_transactions_fraud",
    "payment_fraud_scores",
    "payment_fraud_current",
    "fraud_alert_queue",
    "payment_metrics",
    "late_payments",
    "deduplication_audit",
    "payment_conflicts",
    "payment_backfills",
    "payments_current",
    "reconciliation_daily",
    "reconciliation_batches",
    "reconciliation_control_totals",
    "reconciliation_settlements",
    "reconciliation_summary",
    "pipeline_health",
    "monitoring_deduplication",
    "monitoring_state_growth",
    "monitoring_reconciliation",
    "monitoring_latency",
    "monitoring_throughput",
)
TABLES_BUILT = {
    "payment_transactions_fraud",
    "payment_metrics",
    "reconciliation_summary",
}
MEASURED = {
    "state_size_mb",
    "duplicate_rate_pct",
    "reconciliation_pct",
    "event_to_warehouse_latency_p95_seconds",
    "checkpoint_lag_seconds",
}
"""What the warehouse tells of itself, whether or not anybody watches."""

PAYMENTS = "select * from {dataset}.int_payments__valued"
DELIVERED = """
    select payments.* from {dataset}.int_payments__valued as payments
    inner join {dataset}.payment_deliveries as deliveries on payments.transaction_id = deliveries.transaction_id
"""
"""The same payments, as often as each was delivered: in the sample, each twice."""

SETTLEMENTS = "assert_settlements_agree"
NO_UNIT_TESTS = ("--exclude-resource-type", "unit_test")


@dataclass(frozen=True)
class Built:
    """A build and the marts as they stood right after it."""

    build: Build
    marts: dict[str, list[dict[str, Any]]]


def build(warehouse: DbtWarehouse, *options: str) -> Built:
    done = warehouse.build(*options)
    return Built(done, {} if done.exit_code else {mart: warehouse.rows(mart) for mart in BUILT})


@pytest.fixture(scope="module")
def empty(warehouse: DbtWarehouse) -> Built:
    return build(warehouse)


@pytest.fixture(scope="module")
def filled(warehouse: DbtWarehouse, empty: Built) -> Built:
    assert empty
    warehouse.fill(tables(deliveries(batches=2)))
    return build(warehouse, *NO_UNIT_TESTS)


@pytest.fixture(scope="module")
def grown(warehouse: DbtWarehouse, filled: Built) -> Built:
    assert filled
    warehouse.fill(tables(deliveries(batches=3)))
    return build(warehouse, *NO_UNIT_TESTS)


@pytest.fixture(scope="module")
def corrected(warehouse: DbtWarehouse, grown: Built) -> Built:
    """A late payment of 0.123 KWD admitted, another rejected, 700,000 JPY of a conflict now 5, 10 EUR read as 10.30."""
    assert grown
    records = deliveries(batches=3)
    late, refused = (record for record in records if (record.disposition, record.batch_id) == ("LATE", 1))
    first = next(record for record in records if record.transaction_id == "b1p0-b" and record.payload == "same")
    other = next(record for record in records if record.transaction_id == "b1p0-b" and record.payload == "other")
    data = tables(records)
    kinds = [(late, "ADMITTED_LATE", 1), (refused, "REJECTED_LATE", 0)]
    kinds += [(first, "CONFLICT_REPLACED", -1), (other, "CONFLICT_CHOSEN", 1)]
    misread = next(record for record in records if (record.disposition, record.currency) == ("UNIQUE", "EUR"))
    kinds += [(misread, "BACKFILL_REPLACED", -1), (replace(misread, amount_minor=1030), "BACKFILL_CHOSEN", 1)]
    correct(data, [correction(record, number, kind, n) for number, (record, kind, n) in enumerate(kinds, start=1)])
    warehouse.fill(data)
    done = build(warehouse, *NO_UNIT_TESTS)
    warehouse.fill(tables(records))
    return done


def test_an_empty_warehouse_builds_green(empty: Built) -> None:
    assert not empty.build.not_green(), empty.build.output
    assert empty.build.exit_code == 0
    assert {mart: rows for mart, rows in empty.marts.items() if rows and mart != "pipeline_health"} == {}
    statuses = {row["metric"]: row["status"] for row in empty.marts["pipeline_health"]}
    assert {metric for metric, status in statuses.items() if status == "HEALTHY"} == MEASURED
    assert {status for metric, status in statuses.items() if metric not in MEASURED} == {"UNWATCHED"}


def test_sound_data_builds_green(filled: Built) -> None:
    assert not filled.build.not_green(), filled.build.output
    for mart in ("reconciliation_daily", "reconciliation_batches", "reconciliation_control_totals"):
        assert {row["status"] for row in filled.marts[mart]} == {"PASS"}


def test_what_came_since_the_last_build_is_added_once(grown: Built) -> None:
    assert not grown.build.not_green(), grown.build.output
    payments = [record for record in deliveries(batches=3) if record.disposition == "UNIQUE"]
    scored = sorted(row["transaction_id"] for row in grown.marts["payment_transactions_fraud"])
    assert scored == sorted(payment.transaction_id or "" for payment in payments)
    assert sum(row["payment_count"] for row in grown.marts["payment_metrics"]) == len(payments)


def test_a_view_that_is_what_it_was_is_kept_and_one_that_names_another_moment_is_not(grown: Built) -> None:
    views = set(BUILT) - {*TABLES_BUILT, "payment_fraud_current"}
    assert views <= grown.build.kept
    assert not grown.build.kept & {*TABLES_BUILT, "payment_fraud_current"}


def test_every_statement_of_a_build_is_sent_by_a_job_that_says_what_it_is_for(
    warehouse: DbtWarehouse, grown: Built
) -> None:
    assert grown
    sent = [job.labels for job in warehouse.client.list_jobs(all_users=True) if "dbt_invocation_id" in job.labels]
    assert {labels.get(WORK_LABEL) for labels in sent} == {Work.BUILD, Work.CHECK}
    assert {labels.get(PIPELINE_LABEL) for labels in sent} == {warehouse.settings.pipeline}
    tests = {labels["node_id"].split("_")[0] for labels in sent if labels[WORK_LABEL] == Work.CHECK}
    assert tests == {"test"}


def test_marts_say_what_the_records_say(grown: Built) -> None:
    records = deliveries(batches=3)
    errors = {(row["kafka_partition"], row["kafka_offset"]) for row in grown.marts["payment_errors"]}
    assert errors == {(r.partition, r.offset) for r in records if r.disposition == "QUARANTINED"}
    assert {row["raw_value"] for row in grown.marts["payment_errors"]} == {b"\xff\x00{"}
    ignored = sum(row["record_count"] for row in grown.marts["ignored_records"])
    assert ignored == sum(r.disposition == "IGNORED" for r in records) > 0
    assert {row["rule"] for row in grown.marts["ignored_records"]} == {RULE}
    conflicts = {row["transaction_id"] for row in grown.marts["deduplication_audit"] if row["conflicts"]}
    assert conflicts == {r.transaction_id for r in records if r.payload == "other"}
    [late] = grown.marts["late_payments"]
    assert (late["late_deliveries"], late["amount"], late["is_published"]) == (6, Decimal("0.738"), False)


def test_a_yen_is_worth_its_rate_exactly(grown: Built) -> None:
    yen = {row["amount_eur"] for row in grown.marts["payment_transactions_fraud"] if row["currency"] == "JPY"}
    assert yen == {Decimal(700_000) * Decimal("5.524862") / 1000}


def test_the_reported_amount_is_the_payments_in_whole_minor_units(grown: Built) -> None:
    reported = {
        (row["currency"], row["amount"]): (row["reporting_currency"], row["reporting_amount_minor"])
        for row in grown.marts["payment_transactions_fraud"]
    }
    yen = Decimal(700_000) * Decimal("5.524862") / 10
    assert reported == {
        ("EUR", Decimal(10)): ("EUR", 1000),
        ("JPY", Decimal(700_000)): ("EUR", int(yen.quantize(Decimal(1), "ROUND_HALF_UP"))),
    }
    for currency in ("EUR", "JPY"):
        windows = [row for row in grown.marts["payment_metrics"] if row["currency"] == currency]
        given = {row["reporting_amount_minor"] / row["payment_count"] for row in windows}
        assert given == {amount for (name, _), (_, amount) in reported.items() if name == currency}


def test_a_payment_without_a_rate_is_shown_with_its_currency_and_its_day(warehouse: DbtWarehouse, grown: Built) -> None:
    assert grown
    warehouse.run("update {payment_metrics} set reporting_amount_minor = null where currency = 'JPY'")
    assert warehouse.red(RULES) == {VALUED}
    broken = warehouse.rows(VALUED)
    warehouse.run("update {payment_metrics} set reporting_amount_minor = payment_count * 386740 where currency = 'JPY'")
    assert {(row["break_reason"], row["currency"]) for row in broken} == {("NO_RATE", "JPY")}
    assert sum(row["payment_count"] for row in broken) == 6
    assert not warehouse.red(RULES)


def test_every_rule_version_says_something_of_every_payment_and_one_decides(grown: Built) -> None:
    decided = {row["transaction_id"]: row for row in grown.marts["payment_transactions_fraud"]}
    scores = grown.marts["payment_fraud_scores"]
    assert len(scores) == len(decided) * len({row["rule_version"] for row in scores}) > len(decided)
    in_force = {row["transaction_id"]: row for row in scores if row["is_in_force"]}
    for name, row in decided.items():
        for column in ("rule_version", "fraud_score", "fraud_reasons"):
            assert row[column] == in_force[name][column]


def test_an_alert_of_today_is_in_the_queue_with_what_somebody_has_found_out(
    warehouse: DbtWarehouse, grown: Built
) -> None:
    assert grown
    assert grown.marts["fraud_alert_queue"] == []
    warehouse.run(
        "insert into {int_payments__alerted} (transaction_id, event_time, sender_account_id, amount_eur,"
        " fraud_score, fraud_reasons, rule_version)"
        " values ('alerted', current_timestamp(), 'thief', 10, 90, ['BUSY'], 2)"
    )
    warehouse.run(
        "insert into {payment_fraud_labels} (transaction_id, event_time, label, labelled_by, reason, labelled_at)"
        " values ('alerted', current_timestamp(), 'CHARGEBACK', 'analyst', 'the bank', current_timestamp())"
    )
    [row] = warehouse.rows("fraud_alert_queue")
    asked = run(warehouse.client, queue_sql(warehouse.settings), {"day": row["day"]})
    warehouse.run("delete from {int_payments__alerted} where transaction_id = 'alerted'")
    warehouse.run("delete from {payment_fraud_labels} where true")
    assert asked == [row]
    given = ("place", "sender_account_id", "fraud_reasons", "payment_count", "alerted_eur", "label")
    assert [row[name] for name in given] == [1, "thief", ["BUSY"], 1, Decimal(10), "CHARGEBACK"]


def test_before_deduplication_every_velocity_would_be_doubled(warehouse: DbtWarehouse, grown: Built) -> None:
    assert grown
    right, wrong = (warehouse.measured("payment_transactions_fraud", source) for source in (PAYMENTS, DELIVERED))
    assert set(right) == set(wrong)
    for name, row in right.items():
        for column in ("payments_1m", "payments_1h", "payments_24h", "amount_eur_1h", "amount_eur_24h"):
            assert wrong[name][column] == 2 * row[column]


@pytest.mark.parametrize("broken", BREAKS.values(), ids=BREAKS)
def test_a_break_turns_its_rules_red_and_no_others(warehouse: DbtWarehouse, grown: Built, broken: Break) -> None:
    assert grown
    sound, data = tables(deliveries(batches=3)), tables(deliveries(batches=3))
    broken.do(data)
    changed = {name for name, rows in data.items() if rows != sound[name]}
    warehouse.fill(data, changed)
    red = warehouse.red(RULES)
    warehouse.fill(sound, changed)
    assert red == broken.red


@pytest.mark.parametrize(("broken", "mended"), MART_BREAKS.values(), ids=MART_BREAKS)
def test_money_that_a_mart_alone_has_wrong_is_seen(
    warehouse: DbtWarehouse, grown: Built, broken: str, mended: str
) -> None:
    assert grown
    warehouse.run(broken)
    red = warehouse.red(RULES)
    warehouse.run(mended)
    assert red == {MARTS}


@pytest.mark.parametrize(("test", "arguments", "rows"), GENERIC_BREAKS.values(), ids=GENERIC_BREAKS)
def test_a_generic_test_refuses_what_breaks_it(
    warehouse: DbtWarehouse, test: str, arguments: dict[str, Any], rows: str
) -> None:
    assert warehouse.failures(test, arguments, rows)


def test_sound_data_leaves_every_rule_green(warehouse: DbtWarehouse, grown: Built) -> None:
    assert grown
    assert not warehouse.red(RULES)


def test_a_build_sees_a_settlement_report_that_does_not_agree(warehouse: DbtWarehouse, grown: Built) -> None:
    assert grown
    sound = tables(deliveries(batches=3))
    warehouse.fill(sound | {"sender_settlement_totals": [settlement(datetime.now(UTC))]}, {"sender_settlement_totals"})
    status = warehouse.build("--select", SETTLEMENTS).statuses[SETTLEMENTS]
    warehouse.fill(sound, {"sender_settlement_totals"})
    assert status == "fail"


def test_a_broken_source_does_not_silence_the_reconciliations(warehouse: DbtWarehouse, grown: Built) -> None:
    assert grown
    data = tables(deliveries(batches=3))
    BREAKS["a_delivery_is_stored_twice"].do(data)
    warehouse.fill(data, {"payment_deliveries"})
    path = ("source:payment_raw.payment_deliveries", "stg_payments__deliveries", "int_deliveries__tallied")
    done = warehouse.build("--select", *path, "reconciliation_batches", *NO_UNIT_TESTS)
    warehouse.fill(tables(deliveries(batches=3)), {"payment_deliveries"})
    assert done.exit_code == 1
    assert done.statuses["deliveries_have_unique_coordinates"] == "warn"
    assert done.statuses["assert_offsets_equal_dispositions"] == "fail"
    assert "skipped" not in done.statuses.values()


def test_the_rules_catch_most_fraud_at_one_percent_false_positives_on_a_seed_they_were_not_tuned_on(
    warehouse: DbtWarehouse,
) -> None:
    result = warehouse.backtest(BacktestConfig(seed=9_002, fraud_rate=0.01))
    assert result.current.tally.false_positive_rate <= FALSE_POSITIVE_BUDGET == 0.01
    assert result.current.tally.recall >= 0.85
    assert result.current.tally.recall > 2 * result.versions[0].tally.recall
    assert set(result.current.recall_by_typology) == set(Typology)


@pytest.mark.usefixtures("grown")
def test_every_compiled_statement_is_one_that_bigquerys_own_analyzer_accepts(warehouse: DbtWarehouse) -> None:
    needed = {name for statement in STATEMENTS.values() for name in statement.needs}
    names = sql_names(warehouse.settings, *RELATIONS, *needed)
    asked_by_the_dashboard = {name: statement.sql.format(**names) for name, statement in ALL.items()}
    asked_by_the_dashboard |= {f"ids_{name}": each.sql.format(**names) for name, each in STATEMENTS.items()}
    assert refused(warehouse.folder / "target", asked_by_the_dashboard) == {}


@pytest.mark.usefixtures("grown")
def test_the_kept_lineage_of_columns_is_that_of_the_compiled_models(warehouse: DbtWarehouse) -> None:
    traced = traced_columns(warehouse.folder / "target")
    if os.environ.get("PAYMENTS_COLUMN_LINEAGE"):
        FILE.write_text(json.dumps(traced, indent=1) + "\n")
    assert json.loads(FILE.read_text()) == traced, "a model has changed: run `make column-lineage`"


@pytest.mark.usefixtures("grown")
def test_the_dashboard_reads_all_that_was_built_and_says_yes(warehouse: DbtWarehouse) -> None:
    env = {"PAYMENTS_HOME": str(warehouse.folder), "BIGQUERY_EMULATOR_HOST": warehouse.settings.emulator_host or ""}
    known = gather(read_stack_settings(env | {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}), None, everything=True)
    assert {name for name, section in known.sections.items() if section.trouble} == {LAG}
    assert {name for name, section in known.sections.items() if section.note} == {COSTS}
    assert answer(known).verdict is Verdict.YES, answer(known)


def test_an_erasure_keeps_the_law_by_its_receipts_and_marts_that_were_built_before_hold_no_more_than_it_took(
    warehouse: DbtWarehouse, grown: Built
) -> None:
    assert grown
    given = erase(warehouse.client, warehouse.settings, LEAVER, erased_by="officer", reason="asked")
    red, batches = warehouse.red(RULES), warehouse.rows("reconciliation_batches")
    more, mended = (
        f"update {{payment_transactions_fraud}} set amount = amount {sign} 0.01 where sender_account_id = '{LEAVER}'"
        for sign in "+-"
    )
    warehouse.run(more)
    red_of_a_cent = warehouse.red(RULES)
    warehouse.run(mended)
    left = [row for row in warehouse.rows("payment_transactions") if LEAVER in row.values()]
    warehouse.fill(tables(deliveries(batches=3)))
    assert left == []
    taken = {(r.disposition, r.currency): (r.records, r.payments, int(r.amount_minor)) for r in given}
    assert taken == {
        ("UNIQUE", "EUR"): (1, 1, 1000),
        ("DUPLICATE", "EUR"): (1, 0, 1000),
        ("LATE", "KWD"): (1, 0, 123),
        ("QUARANTINED", ""): (1, 0, 0),
        ("IGNORED", ""): (1, 0, 0),
    }
    assert red == set()
    assert red_of_a_cent == {MARTS}
    [erased] = [row for row in batches if row["counted_erased"]]
    assert (erased["status"], erased["counted_erased"], erased["erased_payments"]) == ("PASS", 5, 1)


# The last: the marts hold the corrections from here on.
def test_a_correction_restates_the_marts_and_says_so(grown: Built, corrected: Built) -> None:
    assert not corrected.build.not_green(), corrected.build.output
    before, after = (
        {(row["window_start"], row["currency"]): row for row in built.marts["payment_metrics"]}
        for built in (grown, corrected)
    )
    restated = {key: row for key, row in after.items() if row["restated_at"]}
    assert {key: row for key, row in after.items() if key not in restated} == {
        key: row for key, row in before.items() if key not in restated
    }
    [admitted] = [row for row in restated.values() if row["currency"] == "KWD"]
    assert (admitted["payment_count"], admitted["admitted_late_count"]) == (1, 1)
    assert admitted["amount_sum"] == admitted["admitted_late_amount"] == Decimal("0.123")
    decisions = {row["decision"]: row for row in corrected.marts["late_payments"]}
    assert decisions["ADMITTED"]["admitted_late_amount"] == Decimal("0.123")
    assert (decisions["REJECTED"]["late_deliveries"], decisions["UNDECIDED"]["late_deliveries"]) == (1, 4)
    yen = {row["transaction_id"]: row["amount"] for row in corrected.marts["payment_transactions_fraud"]}
    assert (yen["b1p0-b"], yen["b1p1-b"]) == (Decimal("0.05"), 700_000)
    conflicts = {row["transaction_id"]: row for row in corrected.marts["payment_conflicts"]}
    assert {name for name, row in conflicts.items() if row["is_decided"]} == {"b1p0-b"}
    assert conflicts["b1p1-b"]["exposure_eur"] > 3_800
    [reread] = corrected.marts["payment_backfills"]
    assert (reread["currency"], reread["payments"]) == ("EUR", 1)
    assert (reread["replaced_amount_minor"], reread["recomputed_amount_minor"]) == (1000, 1030)


@pytest.mark.usefixtures("corrected")
def test_a_build_of_everything_leaves_to_the_next_one_what_is_published_meanwhile(warehouse: DbtWarehouse) -> None:
    published, seen = tables(deliveries(batches=3)), tables(deliveries(batches=2))
    warehouse.fill(published | {"pipeline_control": seen["pipeline_control"]})
    built = ("payment_metrics,resource_type:model", "payment_transactions_fraud,resource_type:model")
    done = warehouse.build("--full-refresh", "--select", *built, MARTS)
    warehouse.fill(published)
    assert done.statuses[MARTS] == "pass", done.output
    assert {row["batch_id"] for row in warehouse.rows("payment_metrics")} == {1, 2}


@pytest.mark.usefixtures("corrected")
def test_a_view_is_made_anew_where_it_is_gone_or_what_it_reads_has_another_column(warehouse: DbtWarehouse) -> None:
    read, gone, other = "stg_payments__erasures", "stg_payments__replays", "stg_payments__pipelines"
    options = ("--select", *(f"{name},resource_type:model" for name in (read, gone, other, "int_deliveries__tallied")))
    assert warehouse.build(*options).kept == {read, gone, other, "int_deliveries__tallied"}
    warehouse.run("alter table {payment_erasures} add column more string")
    warehouse.run("drop view {stg_payments__replays}")
    kept = warehouse.build(*options).kept
    warehouse.fill(tables(deliveries(batches=3)), {"payment_erasures"})
    assert kept == {other}
    assert warehouse.rows(gone) == warehouse.rows("payment_replays")
