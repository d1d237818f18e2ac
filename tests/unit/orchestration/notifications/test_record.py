"""What the watch has put on record is read back from Dagster."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.notifications.record import health_on_record
from orchestration.watch.report import report
from orchestration.watch.verdict import Verdict, unreachable
from spark_jobs.settings import read_job_settings

JOB = read_job_settings({})
RED = Verdict((("FAILING", "a"), ("DEGRADED", "b")), ("FAILING: a is 3, target 0", "DEGRADED: b is 1, target 0"))


def test_the_newest_verdict_is_read_with_its_words() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert health_on_record(instance) is None
        begun = datetime.now(UTC)
        report(instance, RED, JOB, begun)
        found = health_on_record(instance)
        assert found is not None
        assert (found.rows, found.words) == (("FAILING: a", "DEGRADED: b"), RED.words)
        assert timedelta() <= found.recorded_at - begun < timedelta(minutes=1)
        report(instance, unreachable("it is away"), JOB, begun)
        found = health_on_record(instance)
        assert found is not None
        assert found.rows == ("FAILING: the warehouse",)
        report(instance, Verdict((), ()), JOB, begun)
        found = health_on_record(instance)
        assert found is not None
        assert found.rows == ()
