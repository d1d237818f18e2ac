"""A stack for one scenario: broker, warehouse and Spark session in a folder that is gone afterwards.

Belongs here: bringing it up on free ports, and leaving nothing behind. Does not belong here: scenarios.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp

from local_stack.bigquery.emulator import Warehouse
from local_stack.kafka import Broker
from local_stack.sandbox_home import own_environment
from orchestration.presentation.console import noise_in
from orchestration.scenarios.harness.sandbox import Sandbox
from orchestration.scenarios.harness.transcript import Transcript
from spark_jobs.settings import read_job_settings

_PARTITIONS = 4


@contextmanager
def own_sandbox(transcript: Transcript) -> Iterator[Sandbox]:
    """A sandbox of a stack that nobody else has.

    Raises:
        StackError: a part is missing or cannot start.
    """
    with ExitStack() as stack:
        home = Path(mkdtemp(prefix="payments-scenario-"))
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        settings = read_job_settings(own_environment(home))
        broker = Broker(home, settings.bootstrap_servers)
        warehouse = Warehouse(home, settings.emulator_host or "", settings.project)
        transcript.say("A broker, a warehouse and a Spark session of its own are started, on free ports.")
        stack.enter_context(noise_in(home / "logs" / "scenario.log"))
        stack.callback(broker.stop)
        broker.start()
        stack.callback(warehouse.stop)
        warehouse.start()

        from spark_jobs.driver.spark_session import build_session

        spark = build_session(settings, home)
        stack.callback(spark.stop)
        sandbox = Sandbox.make(settings, spark, home, partitions=_PARTITIONS)
        stack.callback(sandbox.client.close)
        yield sandbox
