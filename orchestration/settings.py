"""What the platform around the streaming job is told from outside. Read by a function, never at import.

Belongs here: where local state lives, ports, intervals. Does not belong here: the job's own settings
(spark_jobs.settings), which this module reuses.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestration.dataproc.settings import DataprocSettings, read_dataproc
from spark_jobs.processor.pace import read_batch_seconds
from spark_jobs.settings import DELTA, JobSettings, SettingError, payments_home, read_job_settings
from spark_jobs.warehouse.job_labels import DBT_WORK
from spark_jobs.warehouse.job_limits import most_bytes
from spark_jobs.whole_numbers import whole_number

PROJECT_ROOT = Path(__file__).resolve().parents[1]
DBT_PROJECT_DIR = PROJECT_ROOT / "dbt_project"
DBT_TARGETS = ("local", "production")
LATE_POLICIES = ("hold", "admit")


@dataclass(frozen=True, slots=True)
class StackSettings:
    """All that orchestration and the command need to know.

    A shift is one run of the streaming job: it goes on until the backlog has stayed away for `shift_idle_seconds`, or
    `shift_max_seconds` are up, its batches at least `batch_seconds` apart; with `has_standby` the next one waits beside
    it, warm, for its end or its death. dbt's models are built at most every `build_interval_seconds`. Late payments are
    admitted by each build where `late_policy` is admit, and wait for a person where it is hold. Checks that read single
    payments or deliveries look once in `check_rows_minutes`; 0 is in each build.

    Health is red where records have waited for `publication_due_seconds` without a publication, a published batch for
    `build_due_seconds` without a build, or the broker, a sensor or the watch itself has been silent for
    `silence_due_seconds`. `dataproc` is None where Spark is not there.
    """

    job: JobSettings
    home: Path
    dagster_port: int
    dbt_target: str
    shift_idle_seconds: int
    shift_max_seconds: int
    batch_seconds: int
    has_standby: bool
    build_interval_seconds: int
    build_due_seconds: int
    publication_due_seconds: int
    silence_due_seconds: int
    late_policy: str = "hold"
    check_rows_minutes: int = 0
    keep_runs_days: int = 2
    dashboard_port: int = 3080
    dashboard_seconds: int = 15
    dagster_probe_url: str = ""
    dataproc: DataprocSettings | None = None

    @property
    def dashboard_url(self) -> str:
        """Where the dashboard answers that `payments up` serves: on loopback only."""
        return f"http://127.0.0.1:{self.dashboard_port}"

    @property
    def dagster_home(self) -> Path:
        """Where Dagster keeps its instance."""
        return self.home / "dagster"

    @property
    def dagster_url(self) -> str:
        """Where the UI answers: on loopback only."""
        return f"http://127.0.0.1:{self.dagster_port}"

    @property
    def dagster_probe(self) -> str:
        """What answers while the UI does: its own address, where nothing else is named."""
        return self.dagster_probe_url or f"{self.dagster_url}/server_info"


def is_delta_a_sink(env: Mapping[str, str] | None = None) -> bool:
    """Whether SINKS names Delta: all that the code location itself depends on. Never raises."""
    env = os.environ if env is None else env
    return DELTA in (env.get("SINKS") or "")


def read_stack_settings(env: Mapping[str, str] | None = None) -> StackSettings:
    """Settings from `env` (default: the process's environment).

    Raises:
        SettingError: naming the variable that is wrong.
    """
    env = os.environ if env is None else env
    job = read_job_settings(env)
    if not job.has_warehouse:
        raise SettingError(
            "SINKS is delta alone, which has no warehouse for dbt and Dagster: run spark_jobs.process_payments by "
            "spark-submit, or set SINKS=bigquery,delta."
        )
    target = env.get("DBT_TARGET") or ("local" if job.emulator_host else "production")
    if target not in DBT_TARGETS:
        raise SettingError(f"DBT_TARGET must be one of {', '.join(DBT_TARGETS)}, not {target!r}.")
    if (target == "local") != (job.emulator_host is not None):
        raise SettingError(
            f"DBT_TARGET is {target!r}, but the warehouse is "
            f"{'the local one: use local.' if job.emulator_host else 'BigQuery itself: use production.'}"
        )
    late_policy = env.get("PAYMENTS_LATE_POLICY") or "hold"
    if late_policy not in LATE_POLICIES:
        raise SettingError(f"PAYMENTS_LATE_POLICY must be one of {', '.join(LATE_POLICIES)}, not {late_policy!r}.")
    batch_seconds = read_batch_seconds(env)
    interval = whole_number(env, "PAYMENTS_BUILD_INTERVAL_SECONDS", 60, least=1, most=86_400)
    build_due = whole_number(env, "PAYMENTS_BUILD_DUE_SECONDS", 540, least=1, most=604_800)
    publication_due = whole_number(env, "PAYMENTS_PUBLICATION_DUE_SECONDS", 300, least=1, most=604_800)
    return StackSettings(
        job=job,
        home=payments_home(env),
        dagster_port=whole_number(env, "DAGSTER_PORT", 3000, least=1, most=65_535),
        dbt_target=target,
        shift_idle_seconds=whole_number(env, "PAYMENTS_SHIFT_IDLE_SECONDS", 20, least=0, most=3600),
        shift_max_seconds=whole_number(env, "PAYMENTS_SHIFT_MAX_SECONDS", 600, least=1, most=1500),
        batch_seconds=batch_seconds,
        has_standby=_switch(env, "PAYMENTS_STANDBY", default=True),
        build_interval_seconds=interval,
        # What may come only every so often is not due sooner.
        build_due_seconds=max(build_due, 2 * interval),
        publication_due_seconds=max(publication_due, 2 * batch_seconds),
        silence_due_seconds=whole_number(env, "PAYMENTS_SILENCE_DUE_SECONDS", 180, least=1, most=604_800),
        late_policy=late_policy,
        # On BigQuery each look is billed.
        check_rows_minutes=whole_number(
            env, "PAYMENTS_CHECK_ROWS_MINUTES", 60 if target == "production" else 0, least=0, most=1440
        ),
        keep_runs_days=whole_number(env, "PAYMENTS_KEEP_RUNS_DAYS", 2, least=1, most=3650),
        dashboard_port=whole_number(env, "PAYMENTS_DASHBOARD_PORT", 3080, least=1, most=65_535),
        dashboard_seconds=whole_number(env, "PAYMENTS_DASHBOARD_SECONDS", 15, least=1, most=86_400),
        dagster_probe_url=_address(env, "PAYMENTS_DAGSTER_PROBE_URL"),
        dataproc=read_dataproc(env, job),
    )


def child_environment(settings: StackSettings, env: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child process: ours, with every setting that was a default made explicit."""
    explicit = {
        "PAYMENTS_HOME": str(settings.home),
        "DAGSTER_HOME": str(settings.dagster_home),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "DBT_TARGET": settings.dbt_target,
        "PAYMENTS_BUILD_MAX_BYTES_BILLED": str(max(most_bytes(settings.job, work) for work in DBT_WORK)),
        "DAGSTER_PORT": str(settings.dagster_port),
        "PAYMENTS_SHIFT_IDLE_SECONDS": str(settings.shift_idle_seconds),
        "PAYMENTS_SHIFT_MAX_SECONDS": str(settings.shift_max_seconds),
        "PAYMENTS_BATCH_SECONDS": str(settings.batch_seconds),
        "PAYMENTS_STANDBY": "on" if settings.has_standby else "off",
        "PAYMENTS_BUILD_INTERVAL_SECONDS": str(settings.build_interval_seconds),
        "PAYMENTS_CHECK_ROWS_MINUTES": str(settings.check_rows_minutes),
        "PAYMENTS_KEEP_RUNS_DAYS": str(settings.keep_runs_days),
        "PAYMENTS_DASHBOARD_PORT": str(settings.dashboard_port),
        "PAYMENTS_DASHBOARD_SECONDS": str(settings.dashboard_seconds),
        "PAYMENTS_DAGSTER_PROBE_URL": settings.dagster_probe_url,
        "PAYMENTS_BUILD_DUE_SECONDS": str(settings.build_due_seconds),
        "PAYMENTS_PUBLICATION_DUE_SECONDS": str(settings.publication_due_seconds),
        "PAYMENTS_SILENCE_DUE_SECONDS": str(settings.silence_due_seconds),
    }
    return {**(os.environ if env is None else env), **explicit, **settings.job.environment()}


def _switch(env: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = env.get(name) or ("on" if default else "off")
    if value not in ("on", "off"):
        raise SettingError(f"{name} must be on or off, not {value!r}.")
    return value == "on"


def _address(env: Mapping[str, str], name: str) -> str:
    value = env.get(name) or ""
    if value and not value.startswith(("http://", "https://")):
        raise SettingError(f"{name} must be an address that begins with http:// or https://, not {value!r}.")
    return value
