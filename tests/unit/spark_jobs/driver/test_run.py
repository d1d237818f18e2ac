"""A run: what a query's failure is, once Spark has made a text of it."""

from typing import NoReturn
from unittest.mock import Mock

import pytest
from pyspark.errors import StreamingQueryException

from spark_jobs.decoding.registry import RegistryUnavailable
from spark_jobs.driver.run import Run
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.settings import read_job_settings


def test_a_record_whose_timestamp_spark_cannot_hold_is_an_incident_that_names_it() -> None:
    run = Run(Mock(), read_job_settings({}), lambda _: None)

    def start() -> NoReturn:
        raise StreamingQueryException(
            "[KAFKA_MALFORMED_RECORD_TIMESTAMP] Record at topic payment-events partition 2 offset 41 has timestamp "
            "value 1795916250019000000 that overflows when converting to Spark's microsecond-precision TimestampType."
        )

    with pytest.raises(Incident, match="payment-events partition 2 offset 41") as stopped:
        run._query(start, 0, None)
    assert (stopped.value.kind, stopped.value.ranges) == (IncidentKind.TIMESTAMP_UNREADABLE, {2: (41, 42)})


def test_a_task_that_finds_no_registry_stops_the_run_with_its_incident() -> None:
    raised = RegistryUnavailable("the schema registry at http://a does not answer: start it.")
    run = Run(Mock(), read_job_settings({}), lambda _: None)

    def start() -> NoReturn:
        raise StreamingQueryException(
            f"Job aborted.\n  spark_jobs.decoding.registry.RegistryUnavailable: {raised}\n  at"
        )

    with pytest.raises(RegistryUnavailable) as stopped:
        run._query(start, 0, None)
    assert stopped.value.kind is IncidentKind.SCHEMA_REGISTRY_FAILED
    assert str(stopped.value) == str(raised)


def test_a_query_is_stopped_where_the_turn_is_anothers_by_now() -> None:
    def lost() -> NoReturn:
        raise Incident(IncidentKind.FENCED, "the lease is another run's.")

    run = Run(Mock(), read_job_settings({}), lambda _: None, lost)
    query = Mock(isActive=True)
    query.awaitTermination.return_value = False
    with pytest.raises(Incident, match="FENCED"):
        run._query(lambda: query, float("inf"), None)
    query.stop.assert_called_once_with()


INTERRUPTED = StreamingQueryException(
    "[STREAM_FAILED] Query [id = 1, runId = 2] terminated with exception: Failed to write 0 bytes in "
    "'gs://payments/checkpoints/spark/commits/.0.tmp'. cause=null"
)


def test_a_query_that_is_stopped_as_it_writes_into_an_object_store_has_not_failed() -> None:
    run = Run(Mock(), read_job_settings({}), lambda _: None)
    query = Mock(isActive=False)
    query.awaitTermination.side_effect = [False, INTERRUPTED]
    run._check_turn = lambda: run.reports.append(Mock())  # a batch is published meanwhile
    run._query(lambda: query, 0, None)
    query.stop.assert_called_once_with()


def test_a_query_that_nobody_stopped_has_failed_whatever_it_says() -> None:
    run = Run(Mock(), read_job_settings({}), lambda _: None)
    run._readable_topic = Mock()  # type: ignore[method-assign]
    query = Mock(isActive=False)
    query.awaitTermination.side_effect = [False, INTERRUPTED]
    with pytest.raises(StreamingQueryException, match="Failed to write"):
        run._query(lambda: query, float("inf"), None)
