"""The whole path with nothing shared but the network and an object store: one drain, and where its parts ran."""

from pathlib import Path

import pytest

from tests.cluster.stack import client_of, cluster
from tests.faults.exactly_once import assert_exactly_once, send_some
from tests.faults.oracle import Oracle

pytestmark = pytest.mark.long


def test_a_driver_and_two_workers_that_share_nothing_publish_each_payment_once(tmp_path: Path) -> None:
    with cluster(tmp_path / "cluster") as made, client_of(made) as client:
        driver = made.driver("driver")
        world, oracle = made.world(tmp_path, client), Oracle()
        for _ in range(2):
            send_some(world, oracle)
            run = driver.start("spark_jobs.process_payments")
            assert run.end() == 0, run.output()[-4000:]
            assert_exactly_once(world, oracle)
        refused = [asked for asked in made.requests() if asked[3] == 403]
        assert not refused, refused[:5]
