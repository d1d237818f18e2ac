"""One run of the streaming job where a service starts Spark: Dataproc. The main file of what is handed over.

Belongs here: settings by argument, the session as the service has set it up. Does not belong here: the request that
hands it over (orchestration), what a run does (process_payments). The package is on the path, this file lies beside.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spark_jobs.process_payments import drain, ended_by_one_line
from spark_jobs.publishing.batch_report import BatchReport
from spark_jobs.settings import SettingError, payments_home, read_job_settings
from spark_jobs.turns.by_setting import turn_of


def take_over(settings: str, files: Sequence[str]) -> None:
    """Take settings into the environment: a JSON object of variables, and files that variables name, NAME=TEXT each."""
    os.environ.update(json.loads(settings))
    folder = Path(tempfile.mkdtemp(prefix="payments-"))
    for name, _, text in (file.partition("=") for file in files):
        path = folder / name
        path.write_text(text, encoding="utf-8")
        os.environ[name] = str(path)


@ended_by_one_line()
def main(arguments: list[str] | None = None) -> None:
    """Publish for one shift, once it is this run's turn. What stops it is the last line of its log."""
    parser = argparse.ArgumentParser(description="One run of the streaming job, as a service starts it.")
    parser.add_argument("--idle-seconds", type=float, required=True)
    parser.add_argument("--max-seconds", type=float, required=True)
    parser.add_argument("--batch-seconds", type=float, required=True)
    parser.add_argument(
        "--spark", required=True, metavar="VERSION", help="the Spark that the jars are for, such as 4.2"
    )
    parser.add_argument("--settings", required=True, help="a JSON object of variables")
    parser.add_argument("--file", action="append", default=[], metavar="NAME=TEXT", help="a file that a variable names")
    options: dict[str, Any] = vars(parser.parse_args(arguments))
    take_over(options.pop("settings"), options.pop("file"))
    settings = read_job_settings()
    session = _session(options.pop("spark"))
    drain(session, settings, **options, on_batch=_say, turn=turn_of(settings, payments_home()))


def _session(version: str) -> Any:
    """The service's. Raises SettingError where its Spark is not the one that our jars are for."""
    from pyspark.sql import SparkSession

    session = SparkSession.builder.getOrCreate()
    if version and not session.version.startswith(f"{version}."):
        raise SettingError(
            f"Spark is {session.version} here, and the jars that were handed over are for {version}: choose a runtime "
            f"or an image of Dataproc with Spark {version}, or set PAYMENTS_DATAPROC_SPARK."
        )
    session.sparkContext.setLogLevel("ERROR")
    return session


def _say(report: BatchReport) -> None:
    print(report.batch_id, report.metrics(), flush=True)  # noqa: T201 - this is a command


if __name__ == "__main__":
    main()
