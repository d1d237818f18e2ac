"""Reads all that the decision on the backlog needs, and asks for it: one way for the sensor and `payments process`.

Belongs here: bringing the reads together. Does not belong here: the rule (backlog). A read that fails raises.
"""

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg

from orchestration.automation.backlog import BacklogDecision, Published, decide, identity_of
from orchestration.automation.outside import is_outside, left_to_it, record_newest_batch
from orchestration.automation.run_records import attempts_from, runs_in_flight
from orchestration.names import BACKLOG_TAG, PROCESS_JOB, PUBLISH_OP
from orchestration.settings import StackSettings

if TYPE_CHECKING:
    from orchestration.resources.bigquery import PaymentsBigQueryResource
    from orchestration.resources.broker import BrokerReader
    from spark_jobs.publishing.control import Control


def read_published(settings: StackSettings, bigquery: "PaymentsBigQueryResource") -> Published | None:
    """What the warehouse's control row says; None before the first run, which makes the dataset and its tables."""
    from google.api_core.exceptions import NotFound

    from spark_jobs.warehouse.control_row import read_control

    control = None
    with bigquery.get_client() as client, suppress(NotFound):
        control = read_control(client, settings.job)
    return None if control is None else published_in(control)


def published_in(control: "Control") -> Published:
    """What a control row says."""
    decisions = control.correction_count + control.erasure_count
    return Published(control.topic_id, control.end_offsets, control.last_batch_id, decisions)


def observe_backlog(
    settings: StackSettings,
    broker: "BrokerReader",
    bigquery: "PaymentsBigQueryResource",
    instance: dg.DagsterInstance,
) -> BacklogDecision:
    """The decision of this moment. Where Spark runs outside of Dagster its newest batch is recorded, too.

    Raises:
        BrokerUnreachable: the broker did not answer.
    """
    # Runs first: a run that ends during the reads then costs a tick, and never a second run on the same offsets.
    in_flight = runs_in_flight(instance, PROCESS_JOB)
    published = read_published(settings, bigquery)
    attempts = attempts_from(instance, PROCESS_JOB, identity_of(published))
    decision = decide(published, broker.read(), in_flight, attempts, datetime.now(UTC))
    has_processor = is_outside()
    if has_processor or settings.dataproc:
        record_newest_batch(instance, published.last_batch_id if published else 0)
    return left_to_it(decision) if has_processor else decision


def run_tags(decision: BacklogDecision) -> dict[str, str]:
    """Tags of the run that the decision asks for."""
    return {BACKLOG_TAG: decision.identity}


def shift_config(idle_seconds: int, max_seconds: int, batch_seconds: int = 0) -> dict[str, object]:
    """Run config of one shift."""
    config = {"idle_seconds": idle_seconds, "max_seconds": max_seconds, "batch_seconds": batch_seconds}
    return {"ops": {PUBLISH_OP: {"config": config}}}
