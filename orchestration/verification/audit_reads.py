"""What an audit reads: the ledger of a day with its neighbours, and the day's deliveries, streamed in order.

Belongs here: queries, and hashing the stream. Does not belong here: judging (ledger_audit).
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby

from orchestration.verification.ledger_audit import DayEvidence
from orchestration.verification.warehouse_reads import WarehouseReads
from spark_jobs.tables.ledger_digest import content_hash
from spark_jobs.tables.row_types import Row
from spark_jobs.utc_days import beginning_of

RECORDS_AT_ONCE = 1_000_000
"""So many deliveries, by the ledger's word, are sorted by one query: a batch more at most."""
PAGE_ROWS = 20_000


def days_of(reads: WarehouseReads) -> list[date]:
    """The UTC days on which something was published."""
    rows = reads.read("select distinct date(published_at) as day from {batch_ledger} order by day")
    return [row["day"] for row in rows]


def read_day(reads: WarehouseReads, day: date) -> DayEvidence:
    """All that is judged of one day."""
    since = beginning_of(day)
    bounds = {"since": since, "until": since + timedelta(days=1)}
    batches = reads.read(
        "select * from {batch_ledger} where published_at >= @since and published_at < @until order by batch_id",
        **bounds,
    )
    numbers = [row["batch_id"] for row in batches]
    expired = frozenset(row["batch_id"] for row in batches if not reads.kept.are_deliveries_of(row))
    there = [row for row in batches if row["batch_id"] not in expired]
    span = {"first": min(numbers, default=0), "last": max(numbers, default=0)}
    of_the_day = "where batch_id between @first and @last"
    before = reads.read(
        "select batch_id, digest from {batch_ledger} where published_at < @since order by batch_id desc limit 1",
        since=bounds["since"],
    )
    after = reads.read(
        "select batch_id from {batch_ledger} where published_at >= @until order by batch_id limit 1",
        until=bounds["until"],
    )
    newest = reads.read("select last_batch_id, digest from {pipeline_control} order by last_batch_id desc limit 1")
    return DayEvidence(
        day=day,
        batches=batches,
        partitions=reads.read(f"select * from {{batch_ledger_partitions}} {of_the_day}", **span),
        amounts=reads.read(f"select * from {{batch_ledger_amounts}} {of_the_day}", **span),
        content={number: found for piece in _pieces(there) for number, found in _contents(reads, piece)},
        before=before[0] if before else None,
        after=after[0] if after else None,
        newest=newest[0] if newest else None,
        expired=expired,
    )


def _pieces(batches: Sequence[Row]) -> Iterator[list[Row]]:
    """Batches in a row, cut so that a piece has not many more than RECORDS_AT_ONCE records."""
    piece: list[Row] = []
    records = 0
    for row in batches:
        piece.append(row)
        records += row["delivered"]
        if records >= RECORDS_AT_ONCE:
            yield piece
            piece, records = [], 0
    if piece:
        yield piece


def _contents(reads: WarehouseReads, piece: Sequence[Row]) -> Iterator[tuple[int, str]]:
    """Each batch's content_hash, of what payment_deliveries holds of it in the days that the ledger says."""
    # A batch whose offsets are all holes has no row, and no times.
    yield from ((row["batch_id"], content_hash([])) for row in piece if not row["delivered"])
    dated = [row for row in piece if row["min_kafka_timestamp"]]
    if not dated:
        return
    rows = reads.stream(
        """
        select batch_id, kafka_partition, kafka_offset, value_sha256 from {payment_deliveries}
        where batch_id between @first and @last and kafka_timestamp between @oldest and @newest
        order by batch_id, kafka_partition, kafka_offset
        """,
        PAGE_ROWS,
        first=piece[0]["batch_id"],
        last=piece[-1]["batch_id"],
        oldest=min(row["min_kafka_timestamp"] for row in dated),
        newest=max(row["max_kafka_timestamp"] for row in dated),
    )
    for number, members in groupby(rows, key=lambda row: row["batch_id"]):
        yield number, content_hash((r["kafka_partition"], r["kafka_offset"], r["value_sha256"]) for r in members)
