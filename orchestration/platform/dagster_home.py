"""Dagster's own home: its folder, its dagster.yaml, and the instance that a command opens.

Belongs here: how Dagster is configured on one machine. Does not belong here: definitions.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.settings import StackSettings

if TYPE_CHECKING:
    import dagster as dg

SPARK_POOL = "spark"
SPARK_LIMIT = 2

DAGSTER_YAML = """\
# Written by `payments`; another Dagster deployment brings its own.
storage:
  sqlite:
    base_dir:
      env: DAGSTER_HOME
run_queue:
  dequeue_interval_seconds: 1
  dequeue_use_threads: true
  dequeue_num_workers: 4
concurrency:
  pools:
    # One dbt at a time; of Spark's drivers one at work and one that stands by, see open_instance.
    default_limit: 1
    granularity: run
  runs:
    max_concurrent_runs: 4
run_retries:
  # A run that stopped is taken up by the next tick of the sensor, which knows where to go on.
  enabled: false
run_monitoring:
  enabled: true
  start_timeout_seconds: 120
  cancel_timeout_seconds: 60
  # The longest shift, after the longest wait for its turn.
  max_runtime_seconds: 3600
  poll_interval_seconds: 10
  free_slots_after_run_end_seconds: 60
sensors:
  use_threads: true
  num_workers: 4
retention:
  schedule:
    purge_after_days:
      skipped: 1
      failure: 30
      success: 30
  sensor:
    purge_after_days:
      skipped: 1
      failure: 30
      success: 7
freshness:
  enabled: true
telemetry:
  enabled: false
nux:
  # The UI would open with a dialog that asks for an address.
  enabled: false
"""


def prepare_dagster_home(settings: StackSettings) -> Path:
    """Create DAGSTER_HOME with its dagster.yaml; a file that is there already is left alone."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    config = home / "dagster.yaml"
    if not config.exists():
        config.write_text(DAGSTER_YAML)
    return home


def open_instance(settings: StackSettings) -> "dg.DagsterInstance":
    """The same instance that `dagster dev` uses: runs of a command show in the UI."""
    import os

    import dagster as dg

    home = prepare_dagster_home(settings)
    # dagster.yaml itself refers to it.
    os.environ["DAGSTER_HOME"] = str(home)
    instance = dg.DagsterInstance.get()
    if {pool.name: pool.limit for pool in instance.event_log_storage.get_pool_limits()}.get(SPARK_POOL) != SPARK_LIMIT:
        instance.event_log_storage.set_concurrency_slots(SPARK_POOL, SPARK_LIMIT)
    return instance
