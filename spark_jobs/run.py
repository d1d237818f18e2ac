"""One run under one epoch: fence, check, stream, publish, again and again.

Belongs here: the order of a run's steps. Does not belong here: what happens to a record (pipeline.py) or to a batch
(publishing.py), how long a run goes on (process_payments.py), Dagster.
"""

import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING

from spark_jobs import staging
from spark_jobs.checkpoints import Checkpoint, CheckpointUnusable
from spark_jobs.contract import WATERMARK_DELAY
from spark_jobs.crashpoints import Point, crash_point
from spark_jobs.gaps import record_incident
from spark_jobs.incidents import Incident, Kind
from spark_jobs.jobs import failures_as_incidents
from spark_jobs.pipeline import Locations, receipts_of
from spark_jobs.publishing import Publisher
from spark_jobs.rebuilding import seed_state
from spark_jobs.receipts import add_up, decode
from spark_jobs.report import BatchReport
from spark_jobs.settings import JobSettings
from spark_jobs.source import TopicReader, TopicState, backlog, check_source
from spark_jobs.transaction import Batch
from spark_jobs.warehouse import Control, connect, ensure_tables, offsets_to_json, raise_epoch, start_generation

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming import StreamingQuery

STALE_AFTER = timedelta(minutes=10)
FIRST_BATCHES = 4
"""After a pause the watermark is stale: the first backlog is cut into at least so many batches, so that it can move."""

OnBatch = Callable[[BatchReport], None]


def batch_limit(waiting: int, limit: int, watermark: datetime | None, now: datetime) -> int:
    """How many records a micro-batch may take, given how many wait."""
    if watermark is not None and now - watermark < WATERMARK_DELAY + STALE_AFTER:
        return limit
    return max(1, min(limit, -(-waiting // FIRST_BATCHES)))


class Run(AbstractContextManager["Run"]):
    """One run under one epoch: it may drain many times."""

    def __init__(self, spark: "SparkSession", settings: JobSettings, on_batch: OnBatch) -> None:
        self.reports: list[BatchReport] = []
        self._spark = spark
        self._settings = settings
        self._on_batch = on_batch
        self._failure: BaseException | None = None
        self._epoch: int | None = None

    def __enter__(self) -> "Run":
        with ExitStack() as stack:
            self._topic = stack.enter_context(TopicReader(self._settings.bootstrap_servers, self._settings.topic))
            self._client = stack.enter_context(connect(self._settings))
            stack.push(self._record)
            with failures_as_incidents():
                self._begin()
            self._opened = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.__exit__(kind, error, trace)

    def _record(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if isinstance(error, Incident):
            record_incident(self._client, self._settings, error, self._epoch)

    def _begin(self) -> None:
        ensure_tables(self._client, self._settings)
        control = self._take_over(self._topic.read())
        self._locations = locations_of(self._settings, control.generation)
        control = self._usable_checkpoint(control)
        self._publisher = Publisher(self._client, self._settings, control)
        staging.sweep(self._locations.staging)

    def drain_once(self, deadline: float) -> bool:
        """Run one availableNow query if records wait. Returns whether there were any."""
        control = self._publisher.control
        state = self._readable_topic()
        waiting = backlog(control.end_offsets, state)
        if not waiting:
            return False
        limit = batch_limit(
            waiting,
            self._settings.max_offsets_per_batch,
            control.watermark,
            datetime.now(UTC),
        )
        # Spark wants to be told of every partition, also of one that came after the generation began.
        start = dict.fromkeys(state.latest, 0) | self._checkpoint.start()
        self._await(self._start(start, limit), deadline)
        crash_point(Point.CHECKPOINT_COMMITTED)
        return True

    def _readable_topic(self) -> TopicState:
        state, control = self._topic.read(), self._publisher.control
        check_source(control.end_offsets, control.topic_id, state)
        return state

    def _start(self, start: dict[int, int], limit: int) -> "StreamingQuery":
        self._batch_started = datetime.now(UTC)
        records = read_kafka(self._spark, self._settings, start, limit)
        return (
            receipts_of(records, self._locations, self._settings.state_buckets)
            .writeStream.queryName(self._settings.pipeline)
            .outputMode("append")
            .option("checkpointLocation", self._locations.spark)
            .trigger(availableNow=True)
            .foreachBatch(self._publish)
            .start()
        )

    def _await(self, query: "StreamingQuery", deadline: float) -> None:
        from pyspark.errors import StreamingQueryException

        try:
            while not query.awaitTermination(1):
                if time.monotonic() > deadline and query.isActive:
                    query.stop()
        except StreamingQueryException as error:
            # The exception has crossed the JVM as text: what was raised here says more, and so may the broker.
            if not isinstance(self._failure, Incident):
                self._readable_topic()
            raise self._failure or error from None

    def _publish(self, receipts: "DataFrame", spark_batch_id: int) -> None:
        try:
            self._publish_batch(receipts, spark_batch_id)
        except BaseException as error:
            self._failure = error
            raise

    def _publish_batch(self, receipts: "DataFrame", spark_batch_id: int) -> None:
        crash_point(Point.OFFSETS_WRITTEN)
        # A replayed batch is computed too: Spark must commit its state before it can go on.
        tally = add_up(decode(row.receipt) for row in receipts.collect())
        crash_point(Point.STATE_COMMITTED)
        interval = self._checkpoint.interval(spark_batch_id)
        if not self._publisher.is_published(interval):
            started, self._batch_started = self._batch_started, datetime.now(UTC)
            seconds = (self._batch_started - started).total_seconds()
            with failures_as_incidents():
                report = self._publisher.publish(Batch(spark_batch_id, interval, tally, started, seconds))
            self.reports.append(report)
            self._on_batch(report)
        staging.remove(tally.uris)
        crash_point(Point.FILES_REMOVED)
        self._batch_started = datetime.now(UTC)

    def _take_over(self, topic: TopicState) -> Control:
        first = Control(
            pipeline=self._settings.pipeline,
            topic=topic.topic,
            topic_id=topic.topic_id,
            epoch=0,
            holder="",
            generation=_new_name("g"),
            last_batch_id=0,
            end_offsets=topic.earliest,
            watermark=None,
            updated_at=datetime.now(UTC),
        )
        control = raise_epoch(self._client, self._settings, holder=_new_name("run"), first=first)
        self._epoch = control.epoch
        crash_point(Point.EPOCH_RAISED)
        if control.topic != topic.topic:
            raise Incident(
                Kind.TOPIC_RECREATED,
                f"pipeline {control.pipeline!r} reads topic {control.topic!r}, not {topic.topic!r}: mend "
                f"KAFKA_TOPIC_PAYMENTS, or use a dataset of its own.",
            )
        check_source(control.end_offsets, control.topic_id, topic)
        return control

    def _usable_checkpoint(self, control: Control) -> Control:
        """The control row, with a new generation where the checkpoint is missing or does not fit."""
        self._checkpoint = Checkpoint(self._locations, control.topic)
        try:
            if self._checkpoint.exists():
                self._checkpoint.check(control.end_offsets)
                return control
        except CheckpointUnusable:
            pass
        if control.last_batch_id:
            generation = _new_name("g")
            start_generation(self._client, self._settings, control, generation)
            crash_point(Point.GENERATION_STARTED)
            self._locations = locations_of(self._settings, generation)
            control = replace(control, generation=generation)
            self._checkpoint = Checkpoint(self._locations, control.topic)
            seed_state(self._client, self._settings, control, self._locations)
            crash_point(Point.STATE_SEEDED)
        self._checkpoint.begin(control.end_offsets)
        return control


def locations_of(settings: JobSettings, generation: str) -> Locations:
    """The folders of a checkpoint generation."""
    below = f"{settings.pipeline}/{generation}"
    return Locations(f"{settings.checkpoint_location}/{below}", f"{settings.staging_location}/{below}")


def read_kafka(spark: "SparkSession", settings: JobSettings, start: dict[int, int], limit: int) -> "DataFrame":
    """The topic as a stream. `start` matters to a generation's first query only: then the checkpoint knows."""
    options = {
        "kafka.bootstrap.servers": settings.bootstrap_servers,
        "subscribe": settings.topic,
        "startingOffsets": f'{{"{settings.topic}":{offsets_to_json(start)}}}',
        "maxOffsetsPerTrigger": str(limit),
        "failOnDataLoss": "true",
        "kafka.isolation.level": "read_committed",
        # A broker waits so long for more bytes before it answers: a quiet topic would hold every batch up.
        "kafka.fetch.max.wait.ms": "10",
    }
    return spark.readStream.format("kafka").options(**options).load()


def _new_name(prefix: str) -> str:
    return f"{prefix}{uuid.uuid4().hex[:12]}"
