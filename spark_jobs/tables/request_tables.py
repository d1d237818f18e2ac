"""Tables of requested decisions: what somebody asked for, and what became of it, portion by portion. Pure Python.

Belongs here: their columns, a portion, the statement that writes one down. Does not belong here: carrying one out
(decision_queue), what is decided (corrections, erasure).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from spark_jobs.tables.columns import Column, Layer, Table

DECISION_REQUESTS = Table(
    "decision_requests",
    "Decisions that somebody asked for: the run at work carries them out between two batches. Rows are only added.",
    (
        Column("request_id", "STRING", "The request."),
        Column("pipeline", "STRING", "The pipeline that it is about: a row of pipeline_control."),
        Column("kind", "STRING", "LATE, RESOLVE, BACKFILL or ERASURE."),
        Column(
            "arguments",
            "STRING",
            "What is to be decided, as a JSON object. NULL: it named an account or a payment that is erased.",
            "NULLABLE",
        ),
        Column("requested_by", "STRING", "Who asked."),
        Column("reason", "STRING", "Why."),
        Column("requested_at", "TIMESTAMP", "When."),
    ),
    layer=Layer.RAW,
)

DECISION_OUTCOMES = Table(
    "decision_outcomes",
    "What became of requested decisions: one row per portion that was carried out, and per request that could not be.",
    (
        Column("request_id", "STRING", "The request: a row of decision_requests."),
        Column("portion", "INT64", "Counts a request's rows from 1 without a gap."),
        Column("state", "STRING", "PORTION: more is to come; DONE, REFUSED or FAILED: it is the request's last row."),
        Column("decided", "INT64", "Rows that the portion wrote: corrections, or erased deliveries."),
        Column("detail", "STRING", "What was decided, as a JSON object; why not, where it is REFUSED or FAILED."),
        Column("epoch", "INT64", "The epoch under which it was carried out."),
        Column("decided_at", "TIMESTAMP", "When its transaction ran."),
    ),
)


class State(StrEnum):
    """Of a row of decision_outcomes. All but PORTION end the request."""

    PORTION = "PORTION"
    DONE = "DONE"
    REFUSED = "REFUSED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Portion:
    """One part of a requested decision, at most `most` rows of it, carried out under an epoch of the control row."""

    request_id: str
    number: int
    epoch: int
    most: int

    def values(self, state: State, decided: int, detail: str) -> dict[str, Any]:
        """Values of `insert_outcome_sql`, and of a guard by `@epoch`."""
        return {
            "request_id": self.request_id,
            "portion": self.number,
            "epoch": self.epoch,
            "state": str(state),
            "portion_decided": decided,
            "detail": detail,
        }


def insert_outcome_sql(table: str) -> str:
    """The row of a portion, in the transaction that carries it out: a second one of its number fails.

    Args:
        table: the quoted name of decision_outcomes.
    """
    columns = ", ".join(column.name for column in DECISION_OUTCOMES.columns)
    return f"""
    assert not exists (
        select 1 from {table} where request_id = @request_id and (portion >= @portion or state != '{State.PORTION}')
    ) as 'the portion is carried out already';
    insert into {table} ({columns})
        values (@request_id, @portion, @state, @portion_decided, @detail, @epoch, current_timestamp());"""
