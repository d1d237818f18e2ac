from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from benchmarks.bytes.analyzer import Warehouse
from orchestration.verification.correction_rules import CORRECTION_RULES
from orchestration.verification.ledger_rules import Evidence, tally
from orchestration.verification.record_rules import _RECORD_RULES
from orchestration.verification.scope import Scope, unsealed, whole
from spark_jobs.retention.kept import EVERYTHING, Kept, Mark, reach
from spark_jobs.settings import read_job_settings
from spark_jobs.tables import catalog

SEALED = date(2026, 11, 20)
NAMES = {table.name: f"`p.d.{table.name}`" for table in catalog.TABLES}


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def batch(number: int, published: datetime, written: datetime | None, watermark: datetime | None) -> dict[str, Any]:
    return {"batch_id": number, "published_at": published, "min_kafka_timestamp": written, "watermark": watermark}


LEDGER = [
    batch(7, at(20, 23), at(20, 23), at(20, 22)),
    # Written on the sealed day, and published after it.
    batch(8, at(21, 1), at(20, 22), at(20, 21)),
    batch(9, at(21, 2), None, at(21, 1)),
]


def test_without_a_seal_everything_is_looked_at() -> None:
    assert unsealed(None, LEDGER, None) is None


def test_batches_that_were_published_after_the_sealed_day_are_looked_at_from_their_oldest_record_on() -> None:
    assert unsealed(SEALED, LEDGER, None) == Scope(SEALED, 7, at(20, 22), at(20, 21))


def test_a_payment_that_a_decision_has_put_in_is_looked_for_where_it_is() -> None:
    found = unsealed(SEALED, LEDGER, at(3, 5))
    assert found is not None
    assert (found.delivered, found.paid) == (at(20, 22), at(3, 5))


def test_where_nothing_came_since_no_batch_is_looked_at() -> None:
    assert unsealed(SEALED, LEDGER[:1], None) == Scope(SEALED, 7, at(21, 0), at(21, 0))


def test_the_first_batch_of_all_carries_no_watermark_in_and_is_looked_at_with_everything() -> None:
    assert unsealed(SEALED, [batch(1, at(21, 1), at(21, 1), None)], None) is None


def test_a_rule_about_a_part_of_the_tables_is_a_statement_that_bigquerys_own_analyzer_accepts() -> None:
    """Those that join: the others differ by a table's name alone."""
    parts = Scope(SEALED, 7, at(20, 22), at(20, 21)).parts(NAMES)
    marks = [Mark(date(2026, 11, day), day) for day in (1, 2, 3)]
    some, reached = Kept(*marks), reach(read_job_settings({}))
    analyzer = Warehouse()
    for sql in (sql for sql in (_RECORD_RULES | CORRECTION_RULES).values() if " join " in sql):
        for chosen in (whole(NAMES, EVERYTHING, reached), whole(NAMES, some, reached), parts):
            analyzer.accept(sql.format(**(NAMES | chosen)))


def test_a_row_that_has_expired_is_looked_for_by_no_rule() -> None:
    day = date(2026, 11, 1)
    parts = whole(NAMES, Kept(payments=Mark(day, 7)), timedelta(days=5))
    is_kept = "coalesce({0}event_time >= timestamp '2026-11-01 00:00:00+00:00' or {0}batch_id > 7, true)"
    assert parts["payment_transactions"] == f"(select * from `p.d.payment_transactions` where {is_kept.format('')})"
    assert parts["is_payment_kept"] == is_kept.format("d.")
    assert parts["is_payment_in_reach"] == "d.event_time >= timestamp '2026-11-06 00:00:00+00:00'"
    assert (parts["is_all_kept"], parts["is_delivery_kept"], "payment_deliveries" in parts) == ("true", "true", False)
    parts = whole(NAMES, Kept(deliveries=Mark(day, 7)), timedelta(days=5))
    assert (parts["is_all_kept"], parts["is_payment_kept"], "payment_transactions" in parts) == ("false", "true", False)
    # A payment whose delivery has expired has nothing to agree with.
    assert "where coalesce(kafka_timestamp >= " in parts["payments_of_batches"]


def counted(number: int, disposition: str, count: int) -> dict[str, Any]:
    return {"batch_id": number, "kafka_partition": 0, "disposition": disposition, "record_count": count}


def test_of_batches_that_are_not_looked_at_the_ledger_and_receipts_say_what_there_is() -> None:
    partitions = [
        {"batch_id": number, "kafka_partition": 0, "unique_count": 5, "duplicate_count": 2, "late_count": 0}
        for number in (1, 2)
    ]
    evidence = Evidence(
        ledger_partitions=partitions,
        delivery_counts=[counted(2, "UNIQUE", 5), counted(2, "DUPLICATE", 2)],
        erasures=[counted(1, "UNIQUE", 1)],
        after_batch=1,
    )
    [held] = tally([*evidence.delivery_counts, *evidence.said_of_others()])
    assert (held.delivered, held.unique, held.duplicate, held.erased) == (14, 9, 4, 1)
    assert [row["batch_id"] for row in evidence.looked_at().ledger_partitions] == [2]
    # What has expired is counted in the same way, wherever it is in the ledger.
    again = replace(evidence, after_batch=0, expired=frozenset({1}))
    assert tally([*again.delivery_counts, *again.said_of_others()]) == [held]
    assert evidence.looked_at().erasures == []
