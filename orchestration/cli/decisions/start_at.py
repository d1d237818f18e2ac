"""`payments start-at`: a new dataset begins at a time, or at offsets, and not at the oldest record of the topic.

Belongs here: arguments, printing. Does not belong here: which offsets may be chosen (spark_jobs.source), writing them
down (spark_jobs.driver).
"""

from datetime import UTC, datetime
from typing import Annotated

import typer

from orchestration.errors import CommandError
from orchestration.platform.stack import Stack
from orchestration.presentation.console import say, table
from orchestration.settings import read_stack_settings
from spark_jobs.source.offsets import WrongOffsets, check_offsets, parse_offsets
from spark_jobs.source.topic import TopicReader


def start_at(
    timestamp: Annotated[
        str, typer.Option(help="Begin at the first record written at or after it, such as 2026-11-28T00:00:00Z.")
    ] = "",
    offsets: Annotated[str, typer.Option(help='Begin at these, such as \'{"0": 1200, "1": 980}\'.')] = "",
) -> None:
    """Begin a new dataset at a time or at offsets: what lies before is never published, the law counts from there."""
    if bool(timestamp) == bool(offsets):
        raise typer.BadParameter("give either --timestamp or --offsets")
    settings = read_stack_settings()
    Stack(settings).require_data_plane()
    from spark_jobs.driver.first_start import begin_at

    job = settings.job
    with TopicReader(job.bootstrap_servers, job.topic) as reader:
        topic = reader.read()
        try:
            asked = parse_offsets(offsets) if offsets else reader.offsets_at(_moment(timestamp), topic)
            chosen = check_offsets(asked, topic.earliest, topic.latest)
        except WrongOffsets as wrong:
            raise typer.BadParameter(f"{wrong}.") from wrong
    begun = begin_at(job, topic, chosen)
    if begun is not None:
        raise CommandError(
            f"dataset {job.dataset!r} is no new one: it has {begun.last_batch_id} batches and goes on at "
            f"{begun.end_offsets}; set BIGQUERY_DATASET to one that does not exist yet."
        )
    rows = [(p, topic.earliest[p], offset, offset - topic.earliest[p]) for p, offset in sorted(chosen.items())]
    table(f"Topic {job.topic}", ("partition", "oldest offset", "begins at", "left out"), rows)
    say(f"Dataset {job.dataset} begins there, with its first batch.")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time such as 2026-11-28T00:00:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
