"""Requests as rows: what becomes of them adds up, and what is left of one is asked for again."""

import json
from datetime import UTC, datetime

from spark_jobs.corrections.kept_records import Selection
from spark_jobs.decision_queue.request import Kind, Progress, Request, late_arguments, late_selection
from spark_jobs.tables.correction_kinds import Correction
from spark_jobs.tables.request_tables import State
from spark_jobs.warehouse.job_labels import Work


def test_a_request_comes_back_from_its_row_as_it_was_asked_for() -> None:
    request = Request(Kind.RESOLVE, {"transaction_id": "a", "keep": "first"}, "operator", "asked")
    row = {
        "request_id": request.request_id,
        "kind": "RESOLVE",
        "arguments": json.dumps(request.arguments),
        "requested_by": "operator",
        "reason": "asked",
    }
    assert Request.of(row) == request
    assert Request.of(row | {"arguments": None}).arguments is None
    assert Request(Kind.RESOLVE, {}, "operator", "asked").request_id != request.request_id


def test_an_erasures_jobs_are_billed_as_erasures() -> None:
    assert {kind: kind.work for kind in Kind} == {
        Kind.LATE: Work.DECISION,
        Kind.RESOLVE: Work.DECISION,
        Kind.BACKFILL: Work.DECISION,
        Kind.ERASURE: Work.ERASURE,
    }


def test_the_portions_of_a_request_add_up() -> None:
    first = {"kinds": {"ADMITTED_LATE": 2}, "money": {"EUR": [1, 100], "JPY": [1, 7]}}
    second = {"kinds": {"ADMITTED_LATE": 1}, "money": {"EUR": [1, 50]}}
    rows = [
        {"state": "PORTION", "decided": 2, "detail": json.dumps(first)},
        {"state": "DONE", "decided": 1, "detail": json.dumps(second)},
    ]
    done = Progress.of(rows)
    assert (done.state, done.portions, done.decided, done.is_over) == (State.DONE, 2, 3, True)
    assert done.kinds == {"ADMITTED_LATE": 3}
    assert done.money == {"EUR": (2, 150), "JPY": (1, 7)}
    assert not Progress.of(rows[:1]).is_over
    assert Progress.of([]) == Progress()


def test_what_was_refused_says_why_and_keeps_what_came_before() -> None:
    rows = [
        {"state": "PORTION", "decided": 2, "detail": json.dumps({"kinds": {"BACKFILL_CHOSEN": 1}})},
        {"state": "REFUSED", "decided": 0, "detail": "it is gone."},
    ]
    refused = Progress.of(rows)
    assert (refused.is_over, refused.why_not, refused.decided) == (True, "it is gone.", 2)


def test_late_payments_are_asked_for_less_what_is_decided() -> None:
    since = datetime(2026, 11, 21, tzinfo=UTC)
    chosen = Selection(partition=3, since=since, limit=60_000)
    given = json.loads(json.dumps(late_arguments(chosen, Correction.REJECTED_LATE)))
    assert late_selection(given, 0) == (chosen, Correction.REJECTED_LATE)
    assert late_selection(given, 10_000)[0].limit == 50_000
