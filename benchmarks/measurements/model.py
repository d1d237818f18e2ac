"""What rates from 100 to 1,000,000 events a second would take: arithmetic on what was measured and what is published.

Usage: python -m benchmarks.measurements.model. Writes the table into docs/scaling.md from benchmarks/figures.json.
Belongs here: the formulas and the constants that are not ours. Does not belong here: measuring. docs/scaling.md says
where each constant is from; a price or a quota that changes is changed here.
"""

import json
import math
from dataclasses import dataclass

from benchmarks.harness.figures import KEPT, ROOT, shown, table, write_table

PAGE = ROOT / "docs" / "scaling.md"
RATES = (100, 1_000, 10_000, 100_000, 1_000_000)

EVENT_BYTES = 390
ROW_BYTES = 450
"""Of a delivery and its payment together in BigQuery, by its data types: text is its length and 2, a timestamp 8."""

KEPT_ID_BYTES = 9
"""Of an id of the look-back: 8 of its key, and its share of the filter."""

BUSY = 0.7
"""How busy cores may be: what is left takes the peaks and catches up after a stop."""

WINDOW_SECONDS = 3600 + 15 * 60
"""The watermark's delay, and the slot of event time that is forgotten as a whole."""

BATCH_SECONDS = 5
LOOKBACK_DAYS = 3.5
"""PAYMENTS_LOOKBACK_DAYS, and half of a day: days are forgotten whole."""

DAY = 86_400
LOAD_JOBS_A_DAY = 100_000
DOLLARS_PER_GB_MONTH = 0.02


@dataclass(frozen=True, slots=True)
class Needs:
    """What a rate takes. Sizes are in units of ten."""

    rate: int
    megabytes_per_second: float
    cores: int
    state_gigabytes: float
    load_jobs_a_day: int
    stored_terabytes_a_month: float
    storage_dollars_a_month: float
    lookback_gigabytes: float


def needs(rate: int, cpu_seconds_per_million: float, state_bytes_per_key: float) -> Needs:
    """The model, for a rate in events a second."""
    stored = rate * ROW_BYTES * DAY * 30
    return Needs(
        rate=rate,
        megabytes_per_second=rate * EVENT_BYTES / 1e6,
        cores=math.ceil(rate * cpu_seconds_per_million / 1e6 / BUSY),
        state_gigabytes=rate * WINDOW_SECONDS * state_bytes_per_key / 1e9,
        load_jobs_a_day=DAY // BATCH_SECONDS,
        stored_terabytes_a_month=stored / 1e12,
        storage_dollars_a_month=stored / 1e9 * DOLLARS_PER_GB_MONTH,
        lookback_gigabytes=rate * DAY * LOOKBACK_DAYS * KEPT_ID_BYTES / 1e9,
    )


def needs_table(all_needs: list[Needs]) -> str:
    """One column per rate, as Markdown."""
    rows: dict[str, list[float]] = {
        "Kafka, MB/s": [n.megabytes_per_second for n in all_needs],
        "cores for Spark and its Python workers; as many partitions, at least": [n.cores for n in all_needs],
        "deduplication state, GB": [n.state_gigabytes for n in all_needs],
        f"load jobs a day, a batch every {BATCH_SECONDS} s": [n.load_jobs_a_day for n in all_needs],
        "stored in BigQuery a month, TB": [n.stored_terabytes_a_month for n in all_needs],
        "that month's storage, dollars a month": [n.storage_dollars_a_month for n in all_needs],
        "ids of the look-back, on disk, GB": [n.lookback_gigabytes for n in all_needs],
    }
    columns = ["events/s", *(f"{n.rate:,}" for n in all_needs)]
    return table(columns, [[name, *map(shown, values)] for name, values in rows.items()])


def main() -> None:
    """Compute and keep."""
    figures = json.loads(KEPT.read_text())
    cpu, state = figures["drain_cpu_seconds_per_million"], figures["state_bytes_per_key"]
    write_table(PAGE, "model", needs_table([needs(rate, cpu, state) for rate in RATES]))


if __name__ == "__main__":
    main()
