"""What a batch's digest is made of: a canonical text, and a content that does not depend on dispositions."""

import hashlib
import json
from datetime import timedelta
from decimal import Decimal

import pytest

from spark_jobs.reading.contracts import contract_of_now
from spark_jobs.sinks.bigquery.already_published import FoundInWarehouse
from spark_jobs.sinks.bigquery.publish_sql import parameters
from spark_jobs.tables.ledger_digest import BLOCK_OFFSETS, claims, content_hash, digest
from tests.unit.spark_jobs.batches import BATCH, CONTROL, NOON, SETTINGS

VALUES = parameters(SETTINGS, BATCH, CONTROL, load_seconds=0.5, known=FoundInWarehouse(correction_count=7))
RECORDS = [
    (partition, offset, hashlib.sha256(f"{partition}/{offset}".encode()).digest())
    for partition, first in ((0, BLOCK_OFFSETS - 2), (2, 0), (10, 7))
    for offset in range(first, first + 5)
]


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_claims_are_one_line_that_never_changes_its_form() -> None:
    of_before = VALUES | dict.fromkeys(("contract_version", "ignored_count", "ignored_by_rule", "watermark_minutes"))
    partitions = [row | {"ignored_count": None} for row in VALUES["partitions"]]
    assert claims(of_before, partitions, VALUES["amounts"], CONTROL.digest) == (
        '{"amounts":[["QUARANTINED","",5,0],["UNIQUE","EUR",3,9223372036854775808]],"batch_id":8,"delivered":11,'
        '"duplicate_count":2,"end_offsets":"{\\"0\\":14,\\"1\\":22,\\"2\\":5}","epoch":3,'
        '"format":"payments-ledger-1","late_count":1,"next_watermark":1795258800000001,'
        '"partitions":[[0,10,14,4,3,0,1,0],[1,20,22,2,0,2,0,0],[2,0,5,5,0,0,0,5]],"pipeline":"payments","previous":"",'
        '"quarantined_count":5,"start_offsets":"{\\"0\\":10,\\"1\\":20,\\"2\\":0}","topic":"payment-events",'
        '"unique_count":3,"watermark":1795258800000000}'
    )


def test_a_batchs_contract_and_its_watermarks_delay_are_among_its_claims_where_they_are_known() -> None:
    given = json.loads(VALUES["claims"])
    assert given.pop("contract_version") == contract_of_now().version
    assert given.pop("watermark_minutes") == 60
    later = ("contract_version", "watermark_minutes")
    before_versions = {name: value for name, value in VALUES.items() if name not in later}
    assert given == json.loads(claims(before_versions, VALUES["partitions"], VALUES["amounts"], CONTROL.digest))


def test_what_is_ignored_is_among_a_batchs_claims_where_it_is_counted() -> None:
    given = json.loads(VALUES["claims"])
    assert (given["ignored_count"], given["ignored_by_rule"]) == (0, "{}")
    assert [row[-1] for row in given["partitions"]] == [0, 0, 0]
    other = VALUES | {"ignored_by_rule": '{"test-mode": 1}'}
    assert claims(other, VALUES["partitions"], VALUES["amounts"], CONTROL.digest) != VALUES["claims"]


def test_holes_are_among_the_claims_where_there_are_any_and_old_digests_stay_as_they_are() -> None:
    for none in ({}, {"hole_count": None}, {"hole_count": 0}):
        rows = [{k: v for k, v in row.items() if k != "hole_count"} | none for row in VALUES["partitions"]]
        assert claims(VALUES, rows, VALUES["amounts"], CONTROL.digest) == VALUES["claims"]
    rows = [row | {"hole_count": 2} if row["kafka_partition"] == 1 else row for row in VALUES["partitions"]]
    given = json.loads(claims(VALUES, rows, VALUES["amounts"], CONTROL.digest))
    assert given.pop("holes") == [[1, 2]]
    assert given == json.loads(VALUES["claims"])


def test_a_batch_without_a_record_has_a_content_too() -> None:
    assert content_hash([]) == sha256("")


def test_an_auditor_who_reads_the_rows_back_makes_the_same_claims() -> None:
    partitions = [dict(reversed(row.items())) for row in reversed(VALUES["partitions"])]
    amounts = [row | {"amount_minor": row["amount_minor"].quantize(Decimal("1.000"))} for row in VALUES["amounts"]]
    assert claims(VALUES, partitions, amounts[::-1], CONTROL.digest) == VALUES["claims"]


def test_a_digest_is_of_the_claims_the_content_and_the_microsecond_of_publication() -> None:
    assert digest("told", "c0ffee", NOON) == sha256("told\nc0ffee\n1795262400000000")


@pytest.mark.parametrize(
    "other",
    [("tolD", "c0ffee", NOON), ("told", "c0ffef", NOON), ("told", "c0ffee", NOON + timedelta(microseconds=1))],
)
def test_whatever_is_altered_gives_another_digest(other: tuple[str, str, object]) -> None:
    assert digest(*other) != digest("told", "c0ffee", NOON)  # type: ignore[arg-type]


def test_content_is_hashed_by_blocks_of_offsets_of_one_partition() -> None:
    lines: dict[tuple[int, int], list[str]] = {}
    for partition, offset, value in RECORDS:
        lines.setdefault((partition, offset // BLOCK_OFFSETS), []).append(f"{offset}:{value.hex()}")
    assert list(lines) == [(0, 0), (0, 1), (2, 0), (10, 0)]
    blocks = [f"{partition}:{block}:{sha256(','.join(members))}" for (partition, block), members in lines.items()]
    assert content_hash(RECORDS) == sha256(",".join(blocks))


@pytest.mark.parametrize("place", range(len(RECORDS)))
def test_a_record_that_is_lost_doubled_moved_or_altered_changes_the_content(place: int) -> None:
    partition, offset, value = RECORDS[place]
    flipped = bytes([value[0] ^ 1]) + value[1:]
    others = [[], [RECORDS[place]] * 2, [(partition, offset + 5, value)], [(partition + 1, offset, value)]]
    others += [[(partition, offset, flipped)]]
    for other in others:
        assert content_hash(sorted(RECORDS[:place] + other + RECORDS[place + 1 :])) != content_hash(RECORDS)


def test_the_order_of_records_is_part_of_the_content() -> None:
    assert content_hash(RECORDS[::-1]) != content_hash(RECORDS)
