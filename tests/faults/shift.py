"""A driver process for chaos: warms up, waits for its turn, then publishes until it is killed.

Usage: python -m tests.faults.shift LOCK, with the job's settings in the environment. Says `warm` once it stands by, and
`published` for every batch.
"""

import sys
import time
from pathlib import Path

from google.api_core.exceptions import GoogleAPICallError

from spark_jobs.incidents import Incident
from spark_jobs.process_payments import drain
from spark_jobs.session import build_session, jar_paths
from spark_jobs.settings import payments_home, read_job_settings
from spark_jobs.source import BrokerUnreachable
from spark_jobs.standby import turn, warm_up


def say(word: str) -> None:
    sys.stdout.write(f"{word} {time.time()}\n")
    sys.stdout.flush()


def main() -> None:
    settings = read_job_settings()
    spark = build_session(settings, jar_paths(payments_home()))
    warm_up(spark, settings)
    say("warm")
    with turn(Path(sys.argv[1])):
        while True:
            try:
                drain(spark, settings, on_batch=lambda _: say("published"), idle_seconds=3600, max_seconds=3600)
            except (Incident, BrokerUnreachable, GoogleAPICallError, ConnectionError, RuntimeError) as error:
                # The broker or the warehouse is being killed just now; a fenced run leaves.
                say(f"failed:{type(error).__name__}")
                if "FENCED" in str(error):
                    sys.exit(75)
                time.sleep(0.2)


if __name__ == "__main__":
    main()
