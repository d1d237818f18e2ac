"""The manifest: what is written is read again, and its totals add up."""

import re
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from simulator.sending.manifest import Header, Manifest, ManifestError, ManifestWriter, Record, read_manifest
from spark_jobs.contract.payment_event import Disposition, Reason
from spark_jobs.tables.catalog import CONTROL_TOTALS

HEADER = Header(
    source="simulator-1-2026-11-21T00:20:00.000Z",
    topic="payment-events",
    started_at="2026-11-21T00:20:00.000Z",
    seed=1,
    schema_version="1",
    settings={"events": 5, "rate": None, "retry_rate": 0.015},
)


def record(
    partition: int,
    offset: int,
    disposition: Disposition,
    amount_minor: int = 0,
    currency: str = "EUR",
    day: str = "2026-11-21",
    reasons: list[Reason] | None = None,
) -> Record:
    is_valid = disposition is not Disposition.QUARANTINED
    return Record(
        partition=partition,
        offset=offset,
        sha256="00" * 32,
        disposition=disposition,
        kind="payment" if is_valid else "malformed:EMPTY_VALUE",
        transaction_id=f"t-{offset}" if is_valid else None,
        day=day,
        currency=currency if is_valid else "",
        amount_minor=amount_minor,
        fraud=None,
        reasons=reasons or [],
    )


DELIVERIES = [
    record(0, 0, Disposition.UNIQUE, 1_000),
    record(0, 1, Disposition.UNIQUE, 500, currency="JPY"),
    record(1, 0, Disposition.UNIQUE, 70, day="2026-11-20"),
    record(0, 2, Disposition.DUPLICATE, 1_501),
    record(0, 3, Disposition.LATE, 20, day="2026-11-20"),
    record(0, 4, Disposition.QUARANTINED, reasons=[Reason.EMPTY_VALUE]),
    record(0, 5, Disposition.UNIQUE, 9),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "below" / "m.json"
    with ManifestWriter(path, HEADER) as writer:
        for delivery in DELIVERIES:
            writer.write(delivery)
    return path


def test_a_manifest_is_read_as_it_was_written(path: Path) -> None:
    assert read_manifest(path) == Manifest(HEADER, DELIVERIES)


def test_a_manifest_takes_its_name_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    with ManifestWriter(path, HEADER):
        assert not path.exists()
    assert path.exists()
    assert list(tmp_path.iterdir()) == [path]


def test_a_manifest_cut_short_by_an_error_is_kept_as_partial(tmp_path: Path) -> None:
    def fail() -> None:
        with ManifestWriter(tmp_path / "m.json", HEADER) as writer:
            writer.write(DELIVERIES[0])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not (tmp_path / "m.json").exists()
    assert read_manifest(tmp_path / "m.json.partial").deliveries == DELIVERIES[:1]


def test_a_truncated_last_line_is_one_clear_error(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ManifestError, match=r"^The manifest .*m\.json is cut short: line 8 has no end\."):
        read_manifest(path)


@pytest.mark.parametrize("content", [b"", b"{}"])
def test_a_file_without_a_whole_header_is_cut_short(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ManifestError, match="cut short: line 1"):
        read_manifest(path)


def test_a_broken_line_is_an_error_that_names_it(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b'"UNIQUE"', b'"SINGULAR"')
    path.write_bytes(b"".join(lines))
    with pytest.raises(ManifestError, match=r"^Line 3 of the manifest .* is no record: [^\n]*SINGULAR"):
        read_manifest(path)


def test_a_missing_manifest_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=re.escape(f"No manifest can be read at {tmp_path / 'none'}")):
        read_manifest(tmp_path / "none")


def test_control_totals_have_the_columns_of_their_table() -> None:
    for row in Manifest(HEADER, DELIVERIES).control_totals():
        assert list(row) == [column.name for column in CONTROL_TOTALS.columns]


def test_control_totals_are_sums_per_day_partition_and_currency() -> None:
    names = ("delivered_count", "delivered_amount_minor", "unique_count", "unique_amount_minor", "max_offset")
    totals = {
        (row["day"], row["kafka_partition"], row["currency"]): tuple(row[name] for name in names)
        for row in Manifest(HEADER, DELIVERIES).control_totals()
    }
    assert totals == {
        ("2026-11-20", 0, "EUR"): (1, 20, 0, 0, 5),
        ("2026-11-20", 1, "EUR"): (1, 70, 1, 70, 0),
        ("2026-11-21", 0, ""): (1, 0, 0, 0, 5),
        ("2026-11-21", 0, "EUR"): (3, 2_510, 2, 1_009, 5),
        ("2026-11-21", 0, "JPY"): (1, 500, 1, 500, 5),
    }


def test_control_totals_add_up_to_all_that_was_delivered() -> None:
    rows = Manifest(HEADER, DELIVERIES).control_totals()
    assert sum(int(row["delivered_count"] or 0) for row in rows) == len(DELIVERIES)
    assert sum(int(row["delivered_amount_minor"] or 0) for row in rows) == sum(d.amount_minor for d in DELIVERIES)


def test_a_hash_total_adds_up_sixty_bits_of_each_record_in_whatever_order() -> None:
    hashes = ["0" * 14 + "1" + "f" * 49, "f" * 64, "8" + "0" * 63]
    deliveries = [msgspec.structs.replace(d, sha256=h) for d, h in zip(DELIVERIES, hashes, strict=False)]
    [first] = {row["delivered_hash_total"] for row in Manifest(HEADER, deliveries[:1]).control_totals()}
    assert first == "1"
    same_key = [msgspec.structs.replace(d, day="2026-11-21", partition=0, currency="EUR") for d in deliveries]
    for order in (same_key, same_key[::-1]):
        [row] = Manifest(HEADER, order).control_totals()
        assert row["delivered_hash_total"] == str(1 + (2**60 - 1) + 2**59)


def test_counts_per_partition_name_every_disposition() -> None:
    counts = Manifest(HEADER, DELIVERIES).per_partition()
    assert list(counts) == [0, 1]
    assert counts[1] == {"UNIQUE": 1, "DUPLICATE": 0, "LATE": 0, "QUARANTINED": 0, "IGNORED": 0}
    assert sum((Counter(own) for own in counts.values()), Counter()) == Counter(d.disposition for d in DELIVERIES)
