"""Where the time of a record goes: the streaming plan, cut short after each of its steps.

Usage: python -m benchmarks.measurements.stages [--events N] [--batch N] [--only STAGE ...]. Prints CPU microseconds a
record. Each line holds the work of the lines above it; `publish` is the whole job, so that the difference between two
lines is a step's own cost. CPU rather than wall time, as that tells more on a machine that does other things too. The
first batch of a stage is left out; what the JVM spends on compiling later ones is not, so the first stage looks
dearer.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from benchmarks.harness.processes import cpu_seconds
from benchmarks.harness.stack import ends, send, stack
from spark_jobs.driver.run import Run
from spark_jobs.driver.spark_session import build_session
from spark_jobs.parsing.json_parsing import parse
from spark_jobs.reading.records import KAFKA_COLUMNS, read_records
from spark_jobs.settings import JobSettings
from spark_jobs.source.stream import read_kafka
from spark_jobs.streaming import plan as pipeline
from spark_jobs.streaming.locations import Locations

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from spark_jobs.publishing.batch_report import BatchReport

Reading = dict[str, float]
Plan = Callable[["DataFrame"], "DataFrame"]

WHOLE_JOB = "publish"


@dataclass(frozen=True)
class Meter:
    """CPU seconds so far, by part of the machine. Both servers are children of this process."""

    broker: int
    warehouse: int

    def read(self) -> Reading:
        """Seconds since the processes began; `spark` is the driver, the JVM and its Python workers."""
        broker, warehouse = cpu_seconds(self.broker), cpu_seconds(self.warehouse)
        spark = cpu_seconds(os.getpid()) - broker - warehouse
        return {"spark": spark, "broker": broker, "warehouse": warehouse, "wall": time.monotonic()}


def per_record(readings: list[Reading], records: list[int]) -> Reading:
    """Microseconds a record, without the first batch where there are more.

    Args:
        readings: the meter before the first batch and after each one.
        records: how many records each batch has.
    """
    skipped = 1 if len(records) > 1 else 0
    first, last, count = readings[skipped], readings[-1], sum(records[skipped:])
    return {part: (last[part] - first[part]) / count * 1e6 for part in first}


def plans(settings: JobSettings, folder: Path) -> dict[str, Plan]:
    """The plan, cut short after each step but the last."""
    locations = Locations((folder / "state").as_uri(), (folder / "staged").as_uri())
    pack = partial(pipeline.pack_records, buckets=settings.state_buckets)
    return {
        "read": lambda records: records.select(*KAFKA_COLUMNS),
        "to_python": _cut(pa.RecordBatch.validate),
        "parse": _cut(_parse),
        "validate": _cut(read_records),
        "pack": _cut(pack),
        "tag": lambda records: pipeline.tallies_of(records, locations, settings.state_buckets),
    }


def _cut(step: Callable[[pa.RecordBatch], Any]) -> Plan:
    return lambda records: records.select(*KAFKA_COLUMNS).mapInArrow(partial(_counted, step=step), "n long")


def _counted(batches: Iterator[pa.RecordBatch], *, step: Callable[[pa.RecordBatch], Any]) -> Iterator[pa.RecordBatch]:
    """Do a step with each batch, and hand on nothing but a number."""
    for batch in batches:
        if batch.num_rows:
            step(batch)
            yield pa.RecordBatch.from_arrays([pa.array([batch.num_rows])], ["n"])


def _parse(batch: pa.RecordBatch) -> None:
    parse(batch.column("value").to_pylist())


def cut_short(spark: "SparkSession", settings: JobSettings, plan: Plan, meter: Meter, folder: Path) -> list[Reading]:
    """The meter before the first batch of a plan and after each one."""
    readings = [meter.read()]

    def evaluate(frame: "DataFrame", _batch: int) -> None:
        frame.write.format("noop").mode("overwrite").save()
        readings.append(meter.read())

    start = dict.fromkeys(range(len(ends(settings, settings.topic))), 0)
    query = (
        plan(read_kafka(spark, settings, start, settings.max_offsets_per_batch))
        .writeStream.outputMode("append")
        .option("checkpointLocation", (folder / "checkpoint").as_uri())
        .trigger(availableNow=True)
        .foreachBatch(evaluate)
        .start()
    )
    query.awaitTermination()
    return readings


def whole(spark: "SparkSession", settings: JobSettings, meter: Meter) -> tuple[list[Reading], list[int]]:
    """The meter around each batch of the job itself, and how many records the batches had."""
    readings, records = [meter.read()], []

    def published(report: "BatchReport") -> None:
        readings.append(meter.read())
        records.append(report.delivered)

    with Run(spark, settings, published) as run:
        run.drain_once(float("inf"))
    return readings, records


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=400_000)
    parser.add_argument("--batch", type=int, default=100_000)
    parser.add_argument("--only", nargs="*", help="stages to measure")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, stack(Path(name)) as (settings, (broker, warehouse)):
        folder, settings = Path(name), replace(settings, max_offsets_per_batch=options.batch)
        records = send(settings, options.events, seed=1)
        spark = build_session(settings, folder)
        try:
            meter = Meter(broker, warehouse)
            for stage, plan in plans(settings, folder).items():
                if not options.only or stage in options.only:
                    readings = cut_short(spark, settings, plan, meter, folder / stage)
                    _print(stage, per_record(readings, [records // (len(readings) - 1)] * (len(readings) - 1)))
            if not options.only or WHOLE_JOB in options.only:
                _print(WHOLE_JOB, per_record(*whole(spark, settings, meter)))
        finally:
            spark.stop()


def _print(stage: str, figures: Reading) -> None:
    cpu = sum(value for part, value in figures.items() if part != "wall")
    parts = "  ".join(f"{part} {value:6.1f}" for part, value in figures.items())
    print(f"{stage:10} cpu {cpu:6.1f}  {parts}", flush=True)  # noqa: T201 - this is a command


if __name__ == "__main__":
    main()
