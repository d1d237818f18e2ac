"""The stream's run where Spark is at Dataproc: handed over, waited for, told of in Dagster's own terms.

Belongs here: what of the run's context goes along, and what a failure is in Dagster. Does not belong here: how it is
handed over (orchestration.dataproc). Batches are recorded by the backlog sensor, which reads what is published.
"""

import os

import dagster as dg

from orchestration.dataproc.code_files import FOLDER, upload_code
from orchestration.dataproc.errors import DataprocFailed
from orchestration.dataproc.request import Shift, spark_properties, submission_of
from orchestration.dataproc.services import open_service
from orchestration.dataproc.settings import DataprocSettings
from orchestration.dataproc.shift import run_shift
from orchestration.settings import StackSettings
from spark_jobs.settings import SettingError
from spark_jobs.source.connection import read_connection


def publish_at_dataproc(
    context: dg.AssetExecutionContext, settings: StackSettings, dataproc: DataprocSettings, shift: Shift
) -> dict[str, str]:
    """Run one shift there; metadata of the run: its page and its log.

    Raises:
        dg.Failure: it failed there. It is not tried again: what is published decides where the next run goes on.
    """
    job = settings.job
    folder = f"gs://{dataproc.bucket}/{FOLDER}"
    try:
        files = upload_code(settings.home, folder, dataproc.spark, asks_google=read_connection().asks_google)
        submission = submission_of(context.run.run_id, job, files, shift, os.environ, spark_properties(job))
        with open_service(dataproc) as service:
            seen = run_shift(service, submission, context.log.info)
    except DataprocFailed as failed:
        said = {"page": failed.page, "driver_log": failed.log, "dataproc_says": failed.words}
        metadata = {name: value for name, value in said.items() if value}
        raise dg.Failure(str(failed), metadata=metadata, allow_retries=False) from failed
    except SettingError as wrong:
        raise dg.Failure(str(wrong), allow_retries=False) from wrong
    return {"page": seen.page, "driver_log": seen.log}
