"""The manifest against the warehouse, record by record."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from orchestration.verification.manifest_rules import (
    compare_control_totals,
    compare_records,
    last_offsets,
    tally_of,
    tally_of_stored,
)
from simulator.sending.manifest import Header, Manifest, Record
from spark_jobs.contract.payment_event import Disposition, Reason

HASHES = [sha256(bytes([number])).digest() for number in range(3)]


def record(offset: int, disposition: Disposition, *reasons: Reason) -> Record:
    return Record(
        partition=0,
        offset=offset,
        sha256=HASHES[offset].hex(),
        disposition=disposition,
        kind="payment",
        transaction_id=f"t{offset}",
        day="2026-11-21",
        currency="" if reasons else "EUR",
        amount_minor=0 if reasons else 100,
        fraud=None,
        reasons=reasons,
    )


MANIFEST = Manifest(
    Header("sender-1", "payment-events", "2026-11-21T12:00:00.000Z", 1, "1", {}),
    [
        record(0, Disposition.UNIQUE),
        record(1, Disposition.DUPLICATE),
        record(2, Disposition.QUARANTINED, Reason.SAME_ACCOUNT, Reason.INVALID_AMOUNT),
    ],
)


def stored() -> list[dict[str, Any]]:
    reasons = {2: ["INVALID_AMOUNT", "SAME_ACCOUNT"]}
    return [
        {
            "kafka_partition": 0,
            "kafka_offset": sent.offset,
            "disposition": sent.disposition.value,
            "reasons": reasons.get(sent.offset, []),
            "value_sha256": HASHES[sent.offset],
        }
        for sent in MANIFEST.deliveries
    ]


def test_a_warehouse_that_says_what_the_sender_says_is_proved() -> None:
    assert compare_records(MANIFEST, stored()) == []
    assert tally_of(MANIFEST) == tally_of_stored(MANIFEST, stored())


def test_records_of_other_senders_are_none_of_the_manifests_business() -> None:
    other = {"kafka_partition": 1, "kafka_offset": 0, "disposition": "LATE", "reasons": [], "value_sha256": b""}
    assert compare_records(MANIFEST, [*stored(), other]) == []
    assert tally_of_stored(MANIFEST, [*stored(), other]) == tally_of(MANIFEST)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        pytest.param(lambda rows: rows.pop(1), "delivered once", id="deleted"),
        pytest.param(lambda rows: rows.append(rows[1]), "delivered once", id="doubled"),
        pytest.param(lambda rows: rows[0].update(disposition="LATE"), "disposition is what", id="another disposition"),
        pytest.param(lambda rows: rows[0].update(value_sha256=HASHES[1]), "value_sha256 is what", id="another value"),
        pytest.param(lambda rows: rows[2].update(reasons=["SAME_ACCOUNT"]), "reasons is what", id="a reason less"),
    ],
)
def test_any_record_that_differs_is_named(change: Callable[[list[dict[str, Any]]], object], rule: str) -> None:
    rows = stored()
    change(rows)
    [found] = compare_records(MANIFEST, rows)
    assert rule in found.rule
    assert found.where.startswith("0:")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda rows: rows.pop(), id="deleted"),
        pytest.param(lambda rows: rows.append(rows[0]), id="doubled"),
        pytest.param(lambda rows: rows[0].update(unique_amount_minor=1), id="altered"),
    ],
)
def test_a_report_that_is_not_in_the_warehouse_as_sent_is_seen(change: Callable[[list[Any]], object]) -> None:
    rows: list[dict[str, Any]] = [dict(row) for row in MANIFEST.control_totals()]
    assert compare_control_totals(MANIFEST, rows) == []
    change(rows)
    assert compare_control_totals(MANIFEST, rows)


def test_reports_of_other_senders_are_left_alone() -> None:
    rows = [dict(row) for row in MANIFEST.control_totals()]
    assert compare_control_totals(MANIFEST, [*rows, {**rows[0], "source": "sender-2"}]) == []


def test_only_offsets_that_the_manifest_covers_need_to_be_read() -> None:
    assert last_offsets(MANIFEST) == {0: 2}
