"""A driver process for the fault tests: warms up, waits for one line on standard input, drains once.

Usage: python -m tests.faults.driver, with the job's settings in the environment. PAYMENTS_CRASH_AT comes as that line.
TEST_LARGEST_FILE_BYTES bounds every file that Spark writes, as a disk does that is full.
"""

import os
import resource
import sys

from spark_jobs.crash_points import VARIABLE
from spark_jobs.driver.spark_session import build_session
from spark_jobs.process_payments import drain
from spark_jobs.settings import payments_home, read_job_settings
from tests.faults.platform import child_called


def main() -> None:
    spark = build_session(read_job_settings(), payments_home())
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    # The workers are forked later and inherit it.
    os.environ[VARIABLE] = sys.stdin.readline().strip()
    spark.sparkContext.environment[VARIABLE] = os.environ[VARIABLE]
    largest = os.environ.get("TEST_LARGEST_FILE_BYTES")
    if largest:
        jvm = child_called("java", os.getpid())
        assert jvm
        resource.prlimit(jvm, resource.RLIMIT_FSIZE, (int(largest), int(largest)))
    drain(spark, read_job_settings())
    spark.stop()


if __name__ == "__main__":
    main()
