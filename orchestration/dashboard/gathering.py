"""Asks warehouse, broker and Dagster, each by itself: what one keeps back leaves the sections of the others alone.

Belongs here: the reads, their bounds, and how a snapshot grows out of the one before. Does not belong here: statements,
judging (answer, view), keeping the snapshot (keeping).
"""

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.request import ProxyHandler, build_opener

from local_stack.bigquery.emulator import Warehouse
from orchestration.dashboard import statements
from orchestration.dashboard.model import (
    DAGSTER,
    KAFKA,
    WAREHOUSE,
    Part,
    Row,
    Section,
    Snapshot,
    moment_of,
    plain_rows,
    safe,
    stamp,
)
from orchestration.dashboard.statements import ALL, AT_ONE_MOMENT, COSTS, LAG, NOW_AND_THEN, Statement
from orchestration.settings import StackSettings
from spark_jobs.incidents import Incident, one_line
from spark_jobs.settings import JobSettings
from spark_jobs.tables.columns import Layer
from spark_jobs.tables.names import dataset_of, full_name, sql_names
from spark_jobs.warehouse.retries import failures

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

    from spark_jobs.source.topic import TopicState

RETRY_SECONDS, REQUEST_SECONDS = 5.0, 30.0
"""The page says that a part is away sooner than the pipeline gives up on it."""
NOW_AND_THEN_SECONDS = 300
NOT_BUILT = "Not built yet: run `payments build`."
NOT_ASKED = "It was not asked: the warehouse does not answer."


def gather(settings: StackSettings, before: Snapshot | None, *, everything: bool = False) -> Snapshot:
    """A snapshot of now. A section that cannot be read keeps the rows of `before`, and says why.

    Args:
        settings: where the parts are.
        before: the snapshot before, if any.
        everything: also what was asked a few minutes ago.
    """
    now = datetime.now(UTC)
    before = before or Snapshot(stamp(now))
    with ThreadPoolExecutor(max_workers=3) as asking:
        broker_asked, dagster_asked = asking.submit(_ask_broker, settings), asking.submit(_ask_dagster, settings)
        warehouse, read = _ask_warehouse(settings, before, now, everything=everything)
        (broker, topic), dagster = broker_asked.result(), dagster_asked.result()
    sections = {name: _merged(before.section(name), read.get(name), warehouse) for name in (*ALL, COSTS)}
    sections[LAG] = lag_section(before.section(LAG), topic, sections[statements.CONTROL], stamp(now))
    return Snapshot(taken_at=stamp(now), parts=(warehouse, broker, dagster), sections=sections)


def ask_one(settings: StackSettings, name: str) -> Section:
    """One section by itself, now. What keeps it back is its trouble."""
    from spark_jobs.warehouse.client import connect

    with connect(settings.job) as client:
        return _Questions(settings, client, stamp(datetime.now(UTC))).by_itself(name, ALL[name])


def _merged(before: Section, read: Section | None, warehouse: Part) -> Section:
    """What was read; else what was known, with the reason where it should have been read."""
    if read is None:
        return before if warehouse.answers else replace(before, trouble=NOT_ASKED)
    return replace(before, trouble=read.trouble) if read.trouble else read


def _ask_warehouse(
    settings: StackSettings, before: Snapshot, now: datetime, *, everything: bool
) -> tuple[Part, dict[str, Section]]:
    """Whether it answers, and the sections that were read."""
    from spark_jobs.warehouse.client import connect

    job = settings.job
    local = None if job.emulator_host is None else Warehouse(settings.home, job.emulator_host, job.project)
    if local and not local.is_up():
        return Part(WAREHOUSE, False, "it does not answer"), {}
    try:
        with connect(job) as client:
            questions = _Questions(settings, client, stamp(now))
            read = questions.at_one_moment()
            due = {name: s for name, s in NOW_AND_THEN.items() if everything or _is_due(before.section(name), now)}
            read |= {name: questions.by_itself(name, statement) for name, statement in due.items()}
            if everything or _is_due(before.section(COSTS), now):
                read[COSTS] = questions.costs()
    except failures() as error:
        return Part(WAREHOUSE, False, safe(one_line(error))), {}
    return Part(WAREHOUSE, True, "it answers"), read


def _is_due(section: Section, now: datetime) -> bool:
    if section.read_at is None or section.trouble:
        return True
    return (now - moment_of(section.read_at)).total_seconds() >= NOW_AND_THEN_SECONDS


class _Questions:
    """The statements, asked by one client. What dbt has not built yet has no rows, and is no failure."""

    def __init__(self, settings: StackSettings, client: "Client", now: str) -> None:
        self._settings, self._client, self._now = settings, client, now
        self._session_id: str | None = None
        self._names = sql_names(settings.job, *statements.RELATIONS)
        self._built = _built(client, settings.job)
        summary = "reconciliation_summary"
        # One that an older version built has not its columns yet.
        if summary in self._built and "last_batch_id" not in {
            field.name for field in client.get_table(full_name(settings.job, summary), **_bounds()).schema
        }:
            self._built.discard(summary)

    def at_one_moment(self) -> dict[str, Section]:
        """What is read at each look, all of one state of the warehouse. A failure is the warehouse's, and raises."""
        from spark_jobs.warehouse.snapshot import snapshot

        with snapshot(self._client) as self._session_id:
            read = {name: self._section(statement) for name, statement in AT_ONE_MOMENT.items()}
        self._session_id = None
        return read

    def by_itself(self, name: str, statement: Statement) -> Section:
        """One section that may fail alone: BigQuery refuses what would read too much."""
        return _or_trouble(name, lambda: self._section(statement))

    def costs(self) -> Section:
        """What BigQuery has billed, by day."""
        if self._settings.job.emulator_host is not None:
            return Section(read_at=self._now, note="The local warehouse bills nothing.")
        location = "".join(c for c in self._settings.job.location.lower() if c.isalnum() or c == "-")
        sql = statements.BILLED.sql.format(location=location)
        return _or_trouble(COSTS, lambda: Section(plain_rows(self._rows(sql)), self._now))

    def _section(self, statement: Statement) -> Section:
        if not self._built.issuperset(statement.needs):
            return Section(read_at=self._now, note=NOT_BUILT)
        return Section(plain_rows(self._rows(statement.sql.format(**self._names))), self._now)

    def _rows(self, sql: str) -> Iterable[Mapping[str, Any]]:
        from google.cloud.bigquery import ConnectionProperty

        from spark_jobs.warehouse.client import with_values

        config = with_values({"pipeline": self._settings.job.pipeline} if "@pipeline" in sql else {})
        config.maximum_bytes_billed = statements.MAX_BYTES
        if self._session_id:
            config.connection_properties = [ConnectionProperty("session_id", self._session_id)]
        job = self._client.query(sql, job_config=config, job_retry=None, **_bounds())
        return [dict(row.items()) for row in job.result(page_size=1000, job_retry=None, **_bounds())]


def _or_trouble(name: str, read: Callable[[], Section]) -> Section:
    """The section, or one that holds the line of what failed."""
    try:
        return read()
    except failures() as error:
        return Section(trouble=safe(f"The section {name} could not be read: {one_line(error)}"))


def _built(client: "Client", job: JobSettings) -> set[str]:
    """Names of the tables and views that are there; the dataset of the marts comes with the first build."""
    from google.api_core.exceptions import NotFound

    operations, marts = (dataset_of(job, layer) for layer in (Layer.OPERATIONS, Layer.MARTS))
    found = {item.table_id for item in client.list_tables(operations, **_bounds())}
    if marts != operations:
        with suppress(NotFound):
            found |= {item.table_id for item in client.list_tables(marts, **_bounds())}
    return found


def _bounds() -> dict[str, Any]:
    from google.cloud.bigquery.retry import DEFAULT_RETRY

    return {"retry": DEFAULT_RETRY.with_timeout(RETRY_SECONDS), "timeout": REQUEST_SECONDS}


def _ask_broker(settings: StackSettings) -> "tuple[Part, TopicState | None]":
    from spark_jobs.source.topic import BrokerUnreachable, TopicReader

    try:
        with TopicReader(settings.job.bootstrap_servers, settings.job.topic) as reader:
            return Part(KAFKA, True, "it answers"), reader.read()
    except (BrokerUnreachable, Incident) as error:
        return Part(KAFKA, False, safe(str(error))), None


def lag_section(before: Section, topic: "TopicState | None", control: Section, now: str) -> Section:
    """How far each partition is published, beside where the broker ends; not known unless both have answered."""
    if topic is None:
        return replace(before, trouble="The broker does not answer: how much waits there is not known.")
    if control.trouble or control.read_at is None:
        return replace(before, trouble="The warehouse does not answer: how much waits in Kafka is not known.")
    published = (
        {int(p): int(o) for p, o in json.loads(control.rows[0]["end_offsets"]).items()} if control.rows else None
    )
    return Section(tuple(lag_rows(published, topic)), now)


def lag_rows(published: Mapping[int, int] | None, topic: "TopicState") -> list[Row]:
    """A row a partition. Before anything is published, what waits is what the broker still keeps."""
    starts = topic.earliest if published is None else published
    return [
        {
            "kafka_partition": partition,
            "published_up_to": starts.get(partition, 0),
            "broker_ends_at": topic.latest.get(partition, 0),
            "lag": max(0, topic.latest.get(partition, 0) - starts.get(partition, 0)),
        }
        for partition in sorted({*starts, *topic.latest})
    ]


def _ask_dagster(settings: StackSettings) -> Part:
    try:
        with build_opener(ProxyHandler({})).open(settings.dagster_probe, timeout=5):
            return Part(DAGSTER, True, "its UI answers")
    except (OSError, HTTPException):
        return Part(DAGSTER, False, "its UI does not answer")
