"""A stack for one scenario: broker, warehouse and Spark session in a folder that is gone afterwards.

Belongs here: bringing it up on free ports, and leaving nothing behind. Does not belong here: scenarios.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp

from local_stack.bigquery import Warehouse
from local_stack.kafka import Broker
from local_stack.processes import StackError, free_port
from orchestration.console import noise_in
from orchestration.scenarios.corner import Corner
from orchestration.scenarios.story import Story
from spark_jobs.settings import payments_home, read_job_settings

_MADE_BY_SETUP = ("jars", "warehouse-env")
_LOOPBACK = "127.0.0.1"
_PARTITIONS = 4


@contextmanager
def own_corner(story: Story) -> Iterator[Corner]:
    """A corner of a stack that nobody else has.

    Raises:
        StackError: a part is missing or cannot start.
    """
    with ExitStack() as stack:
        home = Path(mkdtemp(prefix="payments-scenario-"))
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        for made in _MADE_BY_SETUP:
            source = payments_home() / made
            if not source.exists():
                raise StackError(f"{source} is missing: run `make setup`.")
            (home / made).symlink_to(source)
        settings = read_job_settings(
            {
                "PAYMENTS_HOME": str(home),
                "KAFKA_BOOTSTRAP_SERVERS": f"{_LOOPBACK}:{free_port(_LOOPBACK)}",
                "BIGQUERY_EMULATOR_HOST": f"http://{_LOOPBACK}:{free_port(_LOOPBACK)}",
            }
        )
        broker = Broker(home, settings.bootstrap_servers)
        warehouse = Warehouse(home, settings.emulator_host or "", settings.project)
        story.say("A broker, a warehouse and a Spark session of its own are started, on free ports.")
        stack.enter_context(noise_in(home / "logs" / "scenario.log"))
        stack.callback(broker.stop)
        broker.start()
        stack.callback(warehouse.stop)
        warehouse.start()

        from spark_jobs.session import build_session, jar_paths

        spark = build_session(settings, jar_paths(home))
        stack.callback(spark.stop)
        corner = Corner.make(settings, spark, home, partitions=_PARTITIONS)
        stack.callback(corner.client.close)
        yield corner
