"""A pipeline's first control row, where it begins to read elsewhere than at the oldest record.

Belongs here: writing it, once. Does not belong here: a run's own start (run), which offsets may be chosen (source).
"""

import uuid
from datetime import UTC, datetime

from spark_jobs.publishing.control import Control, new_name
from spark_jobs.reading.contracts import contract_in_use
from spark_jobs.settings import JobSettings
from spark_jobs.sinks.open_store import open_store
from spark_jobs.source.topic import TopicState


def first_control(settings: JobSettings, topic: TopicState, offsets: dict[int, int]) -> Control:
    """The row that a pipeline begins with: nothing is published, and its first batch starts at the offsets."""
    return Control(
        pipeline=settings.pipeline,
        topic=topic.topic,
        topic_id=topic.topic_id,
        epoch=0,
        holder="",
        generation=new_name(),
        last_batch_id=0,
        end_offsets=offsets,
        watermark=None,
        updated_at=datetime.now(UTC),
    )


def begin_at(settings: JobSettings, topic: TopicState, offsets: dict[int, int]) -> Control | None:
    """Have the pipeline begin at the offsets; what it began at already, where it is no new one. None: it is done."""
    with open_store(settings) as store:
        store.prepare(contract_in_use(settings))
        begun = store.read_control()
        if begun is not None:
            return begun
        holder = f"start-at{uuid.uuid4().hex[:12]}"
        control = store.raise_epoch(holder, first_control(settings, topic, offsets))
    # A run that began in the same moment has written its own row.
    return None if control.end_offsets == offsets else control
