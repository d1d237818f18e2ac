"""The resources: broker, warehouse, Spark, dbt, and the settings they are made from.

Belongs here: one factory per resource; the environment is read when a resource is set up, never when the code location
loads. Does not belong here: what is done with them. The classes that need heavy imports are imported when first needed:
a run that has no use for Spark or Google's clients does not wait for them.
"""

from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.settings import StackSettings, read_stack_settings

if TYPE_CHECKING:
    from dagster_pyspark import LazyPySparkResource

    from orchestration.resources.bigquery import PaymentsBigQueryResource
    from orchestration.resources.broker import BrokerReader
    from orchestration.resources.dbt_cli import InstalledDbt


@dg.resource(description="What the environment says; read once per run or tick.")
def settings_resource(_context: dg.InitResourceContext) -> StackSettings:
    """StackSettings; a wrong setting fails the run or tick with its one line."""
    return read_stack_settings()


@dg.resource(description="Reads the broker's offsets; joins no consumer group.", required_resource_keys={"settings"})
def broker_resource(context: dg.InitResourceContext) -> "BrokerReader":
    """Asked with bounded time-outs."""
    from orchestration.resources.broker import BrokerReader

    job = _settings(context).job
    return BrokerReader(job.bootstrap_servers, job.topic)


@dg.resource(description="BigQuery, or what answers in its place.", required_resource_keys={"settings"})
def bigquery_resource(context: dg.InitResourceContext) -> "PaymentsBigQueryResource":
    """dagster-gcp's BigQueryResource with an endpoint."""
    from orchestration.resources.bigquery import PaymentsBigQueryResource

    return PaymentsBigQueryResource.from_job_settings(_settings(context).job)


@dg.resource(description="A Spark session, opened at first use.", required_resource_keys={"settings"})
def spark_resource(context: dg.InitResourceContext) -> "LazyPySparkResource":
    """dagster-pyspark's lazy resource, configured by the streaming job itself."""
    from dagster_pyspark import LazyPySparkResource

    from spark_jobs.driver.spark_session import spark_conf, use_our_runtimes

    settings = _settings(context)
    use_our_runtimes(settings.home)
    # What matters is raised; Spark's warnings would bury what a run says about its batches.
    conf = spark_conf(settings.job, settings.home, with_delta=settings.job.has_delta)
    config = {**conf, "spark.log.level": "ERROR"}
    return LazyPySparkResource(spark_config=config)


@dg.resource(description="The dbt of this environment.", required_resource_keys={"settings"})
def dbt_resource(context: dg.InitResourceContext) -> "InstalledDbt":
    """dagster-dbt's resource."""
    from orchestration.resources.dbt_cli import InstalledDbt

    return InstalledDbt.from_settings(_settings(context))


def _settings(context: dg.InitResourceContext) -> StackSettings:
    settings: StackSettings = context.resources.settings
    return settings


DEFAULT_RESOURCES: dict[str, Any] = {
    "settings": settings_resource,
    "broker": broker_resource,
    "bigquery": bigquery_resource,
    "spark": spark_resource,
    "dbt": dbt_resource,
}
