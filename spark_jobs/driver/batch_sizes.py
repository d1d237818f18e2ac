"""How many records a micro-batch may take, how many tasks read them, and what pays off for so few. Pure.

Belongs here: what is decided by how many records wait. Does not belong here: counting them (source), telling Spark
(source).
"""

from datetime import datetime, timedelta

from spark_jobs.contract.payment_event import WATERMARK_DELAY

STALE_AFTER = timedelta(minutes=10)
FIRST_BATCHES = 2
"""After a pause the watermark is stale: the first backlog is cut into at least so many batches, so that it can move."""

TASK_RECORDS = 5_000
"""What is worth a task of its own: each costs 30 ms of CPU, however few its records."""
LEAST_TASKS = 2
"""A task asks the broker three times for each partition, one after the other: two share the wait."""

FEW_RECORDS = 5_000
"""So few are sooner done by Spark's interpreter than the code for them is written, which takes 30 ms of CPU."""


def batch_limit(
    waiting: int,
    partitions: int,
    limit: int,
    watermark: datetime | None,
    now: datetime,
    delay: timedelta = WATERMARK_DELAY,
) -> int:
    """How many records a micro-batch may take, given how many wait, and in how many partitions.

    `delay` is how far the watermark trails the greatest event_time.
    """
    if watermark is not None and now - watermark < delay + STALE_AFTER:
        return limit
    share = -(-waiting // FIRST_BATCHES)
    # Spark rounds each partition's part down: what that leaves must not become a batch of a few records.
    return max(1, min(limit, share + min(partitions, share // 100)))


def most_batches(limit: int, most: int) -> int | None:
    """After how many batches of `limit` records a query is to end, if that is fewer than the `most` of a batch.

    None where it goes on until all is published. What arrives while a query starts would be cut as finely: rather
    another query, by the watermark of these.
    """
    return 2 * FIRST_BATCHES if limit < most else None


def reading_tasks(waiting: int, partitions: int, most: int) -> int | None:
    """How many tasks are to read so few records, each several partitions and `most` records at most.

    None where each partition gets its own, or several.
    """
    enough = max(LEAST_TASKS, -(-waiting // min(TASK_RECORDS, most)))
    return enough if enough < partitions else None
