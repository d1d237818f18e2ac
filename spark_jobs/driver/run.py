"""One run under one epoch: fence, check, stream, publish, again and again.

Belongs here: the order of a run's steps. Does not belong here: what happens to a record (streaming) or to a batch
(sinks), how long a run goes on (process_payments), Dagster.
"""

import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from types import TracebackType
from typing import TYPE_CHECKING

from spark_jobs.crash_points import Point, crash_point
from spark_jobs.decision_queue.carrying_out import CarryingOut
from spark_jobs.decoding.registry import raised_by_a_task
from spark_jobs.deduplication.dispositions import max_event_time_of
from spark_jobs.driver.batch_sizes import FEW_RECORDS, batch_limit, most_batches, reading_tasks
from spark_jobs.driver.callback_sockets import close_callback_sockets
from spark_jobs.driver.checkpoint import is_damage
from spark_jobs.driver.first_start import first_control
from spark_jobs.driver.generations import Generation, open_generation, renew, sweep_generations
from spark_jobs.driver.object_store import whole_files
from spark_jobs.driver.spark_session import interpreted
from spark_jobs.file_systems import Deletions
from spark_jobs.incidents import CheckpointUnusable, Incident, IncidentKind, one_line
from spark_jobs.publishing.batch import Batch
from spark_jobs.publishing.batch_report import BatchReport
from spark_jobs.publishing.control import Control, insist_on_epoch, watermark_in
from spark_jobs.reading.contracts import contract_in_use
from spark_jobs.settings import JobSettings
from spark_jobs.sinks.open_store import open_store
from spark_jobs.source.group_offsets import GroupOffsets
from spark_jobs.source.last_records import last_records_from_json
from spark_jobs.source.refusals import named, unreadable_timestamp
from spark_jobs.source.stream import read_kafka
from spark_jobs.source.topic import BrokerUnreachable, TopicReader, TopicState, backlog, check_source
from spark_jobs.streaming import staged_files
from spark_jobs.streaming.carried import newest_after, write_carried
from spark_jobs.streaming.kept_days import KeptDays, write_kept
from spark_jobs.streaming.plan import tallies_of
from spark_jobs.streaming.tally import BatchTally, add_up, decode

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming import StreamingQuery

KEPT_PLANS = 8
"""A run's queries differ in nothing but a batch's limit and the number of tasks that read it."""

OnBatch = Callable[[BatchReport], None]


class Run(AbstractContextManager["Run"]):
    """One run under one epoch: it may drain many times."""

    def __init__(
        self,
        spark: "SparkSession",
        settings: JobSettings,
        on_batch: OnBatch,
        check_turn: Callable[[], None] = lambda: None,
    ) -> None:
        self.reports: list[BatchReport] = []
        self._spark = spark
        self._settings = settings
        self._on_batch = on_batch
        # Raises where the turn to publish is another run's by now: that saves a batch which would be fenced.
        self._check_turn = check_turn
        self._failure: BaseException | None = None
        self._is_stopping = False
        self._delay = timedelta(minutes=settings.watermark_minutes)
        self._contract = contract_in_use(settings)
        self._epoch: int | None = None
        self._known_ends: dict[int, int] = {}
        # To describe a plan to Spark takes as long as to run it for a few records.
        self._plan = lru_cache(KEPT_PLANS)(self._describe)

    def __enter__(self) -> "Run":
        with ExitStack() as stack:
            self._topic = stack.enter_context(TopicReader(self._settings.bootstrap_servers, self._settings.topic))
            self._group = stack.enter_context(_group_offsets(self._settings))
            self._store = stack.enter_context(open_store(self._settings))
            # Delta alone knows no decisions.
            self._queue = stack.enter_context(CarryingOut(self._settings)) if self._settings.has_warehouse else None
            self._deletions = stack.enter_context(Deletions())
            stack.push(self._record)
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
            self._store.record(error, self._epoch)

    def _begin(self) -> None:
        self._store.prepare(self._contract)
        control = self._take_over(self._topic.read())
        self._store.sweep(control)
        try:
            opened = open_generation(self._store, self._settings, control)
        except CheckpointUnusable as unusable:
            opened = self._renew(control, unusable)
        self._go_on_with(*opened)
        sweep_generations(self._settings, self._publisher.control.generation)

    def _renew(self, control: Control, unusable: CheckpointUnusable) -> tuple[Control, Generation]:
        message = (
            f"checkpoint {control.generation}: {unusable} It is rebuilt from the warehouse; nothing is lost by it."
        )
        self._store.record(Incident(IncidentKind.CHECKPOINT_UNUSABLE, message), self._epoch)
        return renew(self._store, self._settings, control)

    def _go_on_with(self, control: Control, generation: Generation) -> None:
        self._locations, self._checkpoint = generation.locations, generation.checkpoint
        self._publisher = self._store.publisher(control)
        self._group.publish(control.end_offsets)
        self._kept: KeptDays | None = None
        self._plan.cache_clear()
        self._spark.conf.set(whole_files.RUN, str(control.epoch))
        staged_files.sweep(self._locations.staging)

    def drain_once(self, deadline: float) -> bool:
        """Run one availableNow query if records wait, past the deadline for one batch. Returns whether there were any.

        More may be left, past the deadline and while the watermark is stale.

        A checkpoint that turns out to be damaged is rebuilt, once.
        """
        try:
            return self._drain_once(deadline)
        except CheckpointUnusable as unusable:
            self._go_on_with(*self._renew(self._publisher.control, unusable))
        try:
            return self._drain_once(deadline)
        except CheckpointUnusable as unusable:
            message = f"the rebuilt checkpoint is unusable too: {unusable} Look at the disk of CHECKPOINT_LOCATION."
            raise Incident(IncidentKind.CHECKPOINT_UNUSABLE, message) from None

    def decide(self) -> bool:
        """Carry out a portion of what is asked for, between two batches; whether there was one.

        Raises:
            Incident: FENCED, where another run has taken over.
        """
        epoch = self._publisher.control.epoch
        if self._queue is None or not self._queue.step(epoch):
            return False
        # The control row counts what is decided, and so does whatever follows the warehouse.
        self._publisher = self._store.publisher(insist_on_epoch(self._store.read_control(), epoch))
        return True

    def _drain_once(self, deadline: float) -> bool:
        self._check_turn()
        control = self._publisher.control
        state = self._readable_topic()
        waiting = backlog(control.end_offsets, state)
        if not waiting:
            return False
        self._known_ends = state.latest
        most, partitions = self._settings.max_offsets_per_batch, len(state.latest)
        limit = batch_limit(waiting, partitions, most, control.watermark, datetime.now(UTC), self._delay)
        # Spark wants to be told of every partition, also of one that came after the generation began.
        start = dict.fromkeys(state.latest, 0) | self._checkpoint.start()
        tasks = reading_tasks(waiting, partitions, self._settings.max_records_per_task)
        plan = self._plan(tuple(sorted(start.items())), limit, tasks)
        self._query(partial(self._start, plan, waiting), deadline, most_batches(limit, most))
        crash_point(Point.CHECKPOINT_COMMITTED)
        return True

    def _readable_topic(self) -> TopicState:
        state, control = self._topic.read(), self._publisher.control
        check_source(control.end_offsets, control.topic_id, state)
        return state

    def _describe(self, start: tuple[tuple[int, int], ...], limit: int, tasks: int | None) -> "DataFrame":
        records = read_kafka(self._spark, self._settings, dict(start), limit, self._publisher.control.topic_id)
        records = records.coalesce(tasks) if tasks else records
        contract = self._contract
        return tallies_of(
            records,
            self._locations,
            self._settings.state_buckets,
            delay=self._settings.watermark_microseconds,
            lookback=self._settings.lookback_microseconds,
            lists=contract.lists,
            mapping=contract.mapping.to_json() if contract.mapping else None,
        )

    def _start(self, plan: "DataFrame", waiting: int) -> "StreamingQuery":
        self._batch_started = datetime.now(UTC)
        with interpreted(self._spark) if waiting <= FEW_RECORDS else nullcontext():
            return (
                plan.writeStream.queryName(self._settings.pipeline)
                .outputMode("append")
                .option("checkpointLocation", self._locations.spark)
                .trigger(availableNow=True)
                .foreachBatch(self._publish)
                .start()
            )

    def _query(self, start: Callable[[], "StreamingQuery"], deadline: float, enough: int | None) -> None:
        from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
        from pyspark.errors import PySparkException

        self._failure, self._is_stopping = None, False
        try:
            self._await(start(), deadline, enough)
            close_callback_sockets(self._spark)
        except (PySparkException, Py4JJavaError) as error:
            if self._is_stopping and self._failure is None:
                # Spark stops a query by an interrupt, at which what writes the checkpoint into an object store fails as
                # at any trouble. The batches are published; what the checkpoint lacks of them is done again.
                close_callback_sockets(self._spark)
                return
            # The exception has crossed the JVM as text: what was raised here says more, and so may the broker.
            failure = self._failure if isinstance(self._failure, Exception) else error
            if not isinstance(failure, (Incident, CheckpointUnusable)):
                away = raised_by_a_task(str(failure))
                if away:
                    raise away from None
                if untimely := unreadable_timestamp(str(failure)):
                    raise untimely from None
                self._readable_topic()
                refused = named(str(failure), self._settings.topic)
                if refused:
                    raise BrokerUnreachable(f"Kafka at {self._settings.bootstrap_servers}: {refused}") from None
            if is_damage(failure):
                raise CheckpointUnusable(f"Spark says {one_line(failure)}.") from None
            raise failure from None

    def _await(self, query: "StreamingQuery", deadline: float, enough: int | None) -> None:
        before = len(self.reports)
        try:
            while not query.awaitTermination(1):
                self._check_turn()
                batches = len(self.reports) - before
                # However late it is, a run gets on by one batch: or a time too short would get nowhere for ever.
                if (time.monotonic() > deadline and batches) or (enough and batches >= enough):
                    self._is_stopping = True
                    query.stop()
        finally:
            # A signal may have asked the run to end: a batch that is not published yet is the next run's.
            if query.isActive:
                query.stop()

    def _publish(self, tallies: "DataFrame", spark_batch_id: int) -> None:
        try:
            self._publish_batch(tallies, spark_batch_id)
        except BaseException as error:
            self._failure = error
            raise

    def _publish_batch(self, tallies: "DataFrame", spark_batch_id: int) -> None:
        crash_point(Point.OFFSETS_WRITTEN)
        # A replayed batch is computed too: Spark must commit its state before it can go on.
        tally = add_up(decode(row.bucket_tally) for row in tallies.collect())
        crash_point(Point.STATE_COMMITTED)
        interval = self._checkpoint.interval(spark_batch_id)
        if not self._publisher.is_published(interval):
            holes = self._topic.find_holes(interval.ranges(), {p: tally.delivered_in(p) for p in interval.end})
            tally = self._with_a_file(tally)
            before = max_event_time_of(watermark_in(self._publisher.control), self._settings.watermark_microseconds)
            newest = newest_after(before, tally.newest, interval.end, self._known_ends)
            tally = replace(tally, max_event_time=newest)
            started, self._batch_started = self._batch_started, datetime.now(UTC)
            seconds = (self._batch_started - started).total_seconds()
            batch = Batch(
                spark_batch_id,
                interval,
                tally,
                started,
                seconds,
                self._settings.watermark_minutes,
                self._contract,
                holes=holes,
                judged_at=self._checkpoint.clock(spark_batch_id),
            )
            report = self._publisher.publish(batch)
            self._group.publish(interval.end)
            self.reports.append(report)
            self._on_batch(report)
        self._keep_days(tally)
        # Also of a batch that was published before: the control row is the one after it.
        write_carried(self._locations, spark_batch_id + 1, watermark_in(self._publisher.control))
        self._deletions.delete(tally.uris + tally.shuffle_files)
        crash_point(Point.FILES_REMOVED)
        self.decide()
        self._batch_started = datetime.now(UTC)

    def _keep_days(self, tally: BatchTally) -> None:
        """Say where the look-back's ids are; what this batch has brought is not among them."""
        if tally.kept and tally.kept != self._kept:
            write_kept(self._locations, tally.kept)
            self._kept = tally.kept
            crash_point(Point.DAYS_KEPT)

    def _with_a_file(self, tally: BatchTally) -> BatchTally:
        """The tally, with an empty file where the batch has no record: each of its offsets is a hole."""
        if tally.uris:
            return tally
        empty = staged_files.write(staged_files.STAGED_SCHEMA.empty_table(), self._locations.staging)
        return replace(tally, uris=(empty,))

    def _take_over(self, topic: TopicState) -> Control:
        first = first_control(self._settings, topic, topic.earliest)
        control = self._store.raise_epoch(f"run{uuid.uuid4().hex[:12]}", first)
        self._epoch = control.epoch
        crash_point(Point.EPOCH_RAISED)
        if control.topic != topic.topic:
            raise Incident(
                IncidentKind.TOPIC_RECREATED,
                f"pipeline {control.pipeline!r} reads topic {control.topic!r}, not {topic.topic!r}: mend "
                f"KAFKA_TOPIC_PAYMENTS, or use a dataset of its own.",
            )
        check_source(control.end_offsets, control.topic_id, topic)
        self._topic.check_last_records(last_records_from_json(control.last_records), topic)
        return control


def _group_offsets(settings: JobSettings) -> GroupOffsets:
    return GroupOffsets(settings.bootstrap_servers, settings.topic, settings.consumer_group)
