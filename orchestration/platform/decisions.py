"""A decision that a command asks for: queued, and carried out by the run at work, or here where none is.

Belongs here: asking, and an outcome that is none as the command's error. Does not belong here: the queue itself
(spark_jobs.decision_queue), what is printed of an outcome (cli.decisions).
"""

from collections.abc import Mapping
from getpass import getuser
from typing import TYPE_CHECKING, Any

from orchestration.errors import CommandError
from orchestration.presentation.console import say
from orchestration.settings import StackSettings

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

    from spark_jobs.decision_queue.request import Kind, Progress


def decided(
    client: "Client",
    settings: StackSettings,
    kind: "Kind",
    arguments: Mapping[str, Any],
    *,
    reason: str,
    by: str | None = None,
) -> "Progress":
    """What became of the decision.

    Raises:
        CommandError: it was refused, or failed; the message says why.
        Incident: nobody can say yet.
    """
    from spark_jobs.decision_queue.asking import decide_by_queue
    from spark_jobs.decision_queue.request import Request
    from spark_jobs.turns.by_setting import turn_of

    request = Request(kind, arguments, by or getuser(), reason)
    progress = decide_by_queue(client, settings.job, request, turn_of(settings.job, settings.home), say)
    if progress.why_not:
        raise CommandError(progress.why_not)
    return progress
