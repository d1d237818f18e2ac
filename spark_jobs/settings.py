"""What the streaming job is told from outside: read from the environment by a function, never at import.

Belongs here: names and defaults of settings, and what they mean together. Does not belong here: what one value may be
(setting_values), where the local stack's own processes live (orchestration.settings).
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from spark_jobs import setting_values as values
from spark_jobs.kept_days import DELIVERIES, INCIDENTS, PAYMENTS, RAW_VALUES, problems_of
from spark_jobs.setting_values import SettingError as SettingError

DEFAULT_BOOTSTRAP_SERVERS = "127.0.0.1:9092"
DEFAULT_TOPIC = "payment-events"
DEFAULT_GROUP, NO_GROUP = "exactly-once-payments", "none"
DEFAULT_EMULATOR_HOST = "http://127.0.0.1:9050"
LOCAL_PROJECT = "payments-local"
DEFAULT_WATERMARK_MINUTES = 60
MAX_WATERMARK_MINUTES = 7 * 24 * 60
"""The state remembers every id since the watermark."""
UNREADABLE_LABELS = ("null", "hold")
"""What becomes of a payment with an optional label that breaks its rule: a payment without it, or none."""
BIGQUERY, DELTA = SINKS = ("bigquery", "delta")
"""Where batches can go. With both, the warehouse is the one that decides."""
BY_LOCK, BY_LEASE = TURNS = ("lock", "lease")
"""By what one of several processes is at work: a lock of this machine, or a lease in the warehouse."""
LEASE_SECONDS = (3, 600)

_PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class JobSettings:
    """All that a run of the streaming job needs to know.

    `emulator_host` is None where the warehouse is BigQuery itself. `checkpoint_location` and `staging_location` are
    URIs (`file:` or `gs:`); a checkpoint generation is a folder below the first. A partition's part of a batch is read
    by as many tasks as it has `max_records_per_task`: a hot one holds no core up. `lookback_days` is how far before the
    watermark a batch's new ids are looked for among the published payments; `watermark_minutes` is how far the
    watermark trails the greatest event_time; a day is sealed `seal_after_hours` after its end. Of sealed days rows are
    kept for so many days: deliveries, the raw values among them, and payments; 0 is for ever. `planned_per_second` and
    `planned_days` are the traffic that limits of bytes billed are made for. `sinks` are of SINKS; `delta_location` is a
    URI as well, of the folder that holds the Delta tables. `event_mapping` is the file that says what the topic's
    events mean; empty: they are the contract's own. `unreadable_labels` is one of UNREADABLE_LABELS. Spark's executors
    find the driver at `spark_driver_host`, and it listens at `spark_bind_address`; `spark_conf` is a file of more of
    Spark's own configuration, which wins over ours; empty: there is none. `consumer_group` shows what is published;
    empty: none does. `turn` is one of TURNS; who is silent for `turn_lease_seconds` loses the lease.
    A machine keeps at most `segment_copies_mb` of what its state has on an object store. `raw_dataset` and
    `marts_dataset` hold what their layer says (tables.names); empty: `dataset` does.
    """

    bootstrap_servers: str
    topic: str
    project: str
    dataset: str
    location: str
    emulator_host: str | None
    checkpoint_location: str
    staging_location: str
    pipeline: str = "payments"
    max_offsets_per_batch: int = 800_000
    max_records_per_task: int = 150_000
    state_buckets: int = 2
    lookback_days: int = 3
    keep_generations_hours: int = 24
    seal_after_hours: int = 24
    keep_deliveries_days: int = 0
    keep_raw_days: int = 0
    keep_payments_days: int = 0
    keep_incidents_days: int = 0
    watermark_minutes: int = DEFAULT_WATERMARK_MINUTES
    planned_per_second: int = 10_000
    planned_days: int = 365
    unreadable_labels: str = "null"
    sinks: tuple[str, ...] = (BIGQUERY,)
    delta_location: str = ""
    event_mapping: str = ""
    spark_driver_host: str = LOOPBACK
    spark_bind_address: str = LOOPBACK
    spark_conf: str = ""
    consumer_group: str = ""
    turn: str = BY_LOCK
    turn_lease_seconds: int = 6
    decision_portion: int = 10_000
    segment_copies_mb: int = 8192
    raw_dataset: str = ""
    marts_dataset: str = ""

    @property
    def datasets(self) -> tuple[str, ...]:
        """Every dataset, each once: of raw records, of operations, of marts."""
        return tuple(dict.fromkeys(name or self.dataset for name in (self.raw_dataset, "", self.marts_dataset)))

    def in_one_dataset(self, name: str) -> "JobSettings":
        """The same, with all layers in one dataset: a copy, or a trial."""
        return replace(self, dataset=name, raw_dataset="", marts_dataset="")

    @property
    def watermark_microseconds(self) -> int:
        """How far the watermark trails the greatest event_time."""
        return self.watermark_minutes * 60_000_000

    @property
    def lookback_microseconds(self) -> int:
        """How long before the watermark published ids are known."""
        return self.lookback_days * 86_400_000_000

    @property
    def expires(self) -> bool:
        """Whether days expire at all."""
        return bool(self.keep_deliveries_days or self.keep_raw_days or self.keep_payments_days)

    @property
    def has_delta(self) -> bool:
        """Whether batches go to Delta tables, too or alone."""
        return DELTA in self.sinks

    @property
    def has_warehouse(self) -> bool:
        """Whether batches go to the warehouse; without it Delta holds the pipeline's state as well."""
        return BIGQUERY in self.sinks

    def environment(self) -> dict[str, str]:
        """The variables from which `read_job_settings` reads these very settings, in another process."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "KAFKA_TOPIC_PAYMENTS": self.topic,
            "BIGQUERY_PROJECT": self.project,
            "BIGQUERY_DATASET": self.dataset,
            "BIGQUERY_RAW_DATASET": self.raw_dataset,
            "BIGQUERY_MARTS_DATASET": self.marts_dataset,
            "BIGQUERY_LOCATION": self.location,
            "CHECKPOINT_LOCATION": self.checkpoint_location,
            "STAGING_LOCATION": self.staging_location,
            "PAYMENTS_MAX_OFFSETS_PER_BATCH": str(self.max_offsets_per_batch),
            "PAYMENTS_MAX_RECORDS_PER_TASK": str(self.max_records_per_task),
            "PAYMENTS_STATE_BUCKETS": str(self.state_buckets),
            "SINKS": ",".join(self.sinks),
            **({"PAYMENTS_DELTA_LOCATION": self.delta_location} if self.delta_location else {}),
            **({"PAYMENTS_EVENT_MAPPING": self.event_mapping} if self.event_mapping else {}),
            "PAYMENTS_LOOKBACK_DAYS": str(self.lookback_days),
            "PAYMENTS_KEEP_GENERATIONS_HOURS": str(self.keep_generations_hours),
            "PAYMENTS_SEAL_AFTER_HOURS": str(self.seal_after_hours),
            "PAYMENTS_KEEP_DELIVERIES_DAYS": str(self.keep_deliveries_days),
            "PAYMENTS_KEEP_RAW_DAYS": str(self.keep_raw_days),
            "PAYMENTS_KEEP_PAYMENTS_DAYS": str(self.keep_payments_days),
            "PAYMENTS_KEEP_INCIDENTS_DAYS": str(self.keep_incidents_days),
            "PAYMENTS_WATERMARK_MINUTES": str(self.watermark_minutes),
            "PAYMENTS_PLANNED_PER_SECOND": str(self.planned_per_second),
            "PAYMENTS_PLANNED_DAYS": str(self.planned_days),
            "PAYMENTS_UNREADABLE_LABELS": self.unreadable_labels,
            "PAYMENTS_SPARK_DRIVER_HOST": self.spark_driver_host,
            "PAYMENTS_SPARK_BIND_ADDRESS": self.spark_bind_address,
            **({"PAYMENTS_SPARK_CONF": self.spark_conf} if self.spark_conf else {}),
            "PAYMENTS_TURN": self.turn,
            "PAYMENTS_TURN_LEASE_SECONDS": str(self.turn_lease_seconds),
            "PAYMENTS_DECISION_PORTION": str(self.decision_portion),
            "PAYMENTS_SEGMENT_COPIES_MB": str(self.segment_copies_mb),
            "PAYMENTS_CONSUMER_GROUP": self.consumer_group or NO_GROUP,
            **({"BIGQUERY_EMULATOR_HOST": self.emulator_host} if self.emulator_host else {}),
        }


def read_job_settings(env: Mapping[str, str] | None = None) -> JobSettings:
    """Settings from `env` (default: the process's environment).

    Raises:
        SettingError: naming the variable that is wrong.
    """
    env = os.environ if env is None else env
    home = payments_home(env)
    project = env.get("BIGQUERY_PROJECT", LOCAL_PROJECT)
    emulator = env.get("BIGQUERY_EMULATOR_HOST") or (DEFAULT_EMULATOR_HOST if project == LOCAL_PROJECT else None)
    settings = JobSettings(
        bootstrap_servers=values.servers(env.get("KAFKA_BOOTSTRAP_SERVERS", DEFAULT_BOOTSTRAP_SERVERS)),
        topic=values.matching("KAFKA_TOPIC_PAYMENTS", env.get("KAFKA_TOPIC_PAYMENTS", DEFAULT_TOPIC), _TOPIC),
        project=values.matching("BIGQUERY_PROJECT", project, _PROJECT),
        dataset=values.matching("BIGQUERY_DATASET", env.get("BIGQUERY_DATASET", "payment_data"), values.IDENTIFIER),
        location=values.matching("BIGQUERY_LOCATION", env.get("BIGQUERY_LOCATION", "US"), re.compile(r"[A-Za-z0-9-]+")),
        emulator_host=None if emulator is None else values.endpoint(emulator),
        checkpoint_location=values.uri("CHECKPOINT_LOCATION", env.get("CHECKPOINT_LOCATION"), home / "checkpoints"),
        staging_location=values.uri("STAGING_LOCATION", env.get("STAGING_LOCATION"), home / "staging"),
        max_offsets_per_batch=values.positive(env, "PAYMENTS_MAX_OFFSETS_PER_BATCH", 800_000),
        max_records_per_task=values.positive(env, "PAYMENTS_MAX_RECORDS_PER_TASK", 150_000),
        state_buckets=values.positive(env, "PAYMENTS_STATE_BUCKETS", 2),
        lookback_days=values.positive(env, "PAYMENTS_LOOKBACK_DAYS", 3),
        keep_generations_hours=values.positive(env, "PAYMENTS_KEEP_GENERATIONS_HOURS", 24),
        seal_after_hours=values.positive(env, "PAYMENTS_SEAL_AFTER_HOURS", 24),
        keep_deliveries_days=values.days(env, "PAYMENTS_KEEP_DELIVERIES_DAYS"),
        keep_raw_days=values.days(env, "PAYMENTS_KEEP_RAW_DAYS"),
        keep_payments_days=values.days(env, "PAYMENTS_KEEP_PAYMENTS_DAYS"),
        keep_incidents_days=values.days(env, "PAYMENTS_KEEP_INCIDENTS_DAYS"),
        watermark_minutes=_watermark_minutes(env),
        planned_per_second=values.positive(env, "PAYMENTS_PLANNED_PER_SECOND", 10_000),
        planned_days=values.positive(env, "PAYMENTS_PLANNED_DAYS", 365),
        unreadable_labels=values.one_of(
            "PAYMENTS_UNREADABLE_LABELS", env.get("PAYMENTS_UNREADABLE_LABELS") or "null", UNREADABLE_LABELS
        ),
        sinks=_sinks(env.get("SINKS") or BIGQUERY),
        delta_location=values.uri("PAYMENTS_DELTA_LOCATION", env.get("PAYMENTS_DELTA_LOCATION"), home / "delta"),
        event_mapping=values.file("PAYMENTS_EVENT_MAPPING", env.get("PAYMENTS_EVENT_MAPPING")),
        spark_driver_host=values.host(env, "PAYMENTS_SPARK_DRIVER_HOST", LOOPBACK),
        spark_bind_address=values.host(env, "PAYMENTS_SPARK_BIND_ADDRESS", LOOPBACK),
        spark_conf=values.file("PAYMENTS_SPARK_CONF", env.get("PAYMENTS_SPARK_CONF")),
        consumer_group=_consumer_group(env.get("PAYMENTS_CONSUMER_GROUP") or DEFAULT_GROUP),
        turn=env.get("PAYMENTS_TURN") or BY_LOCK,
        turn_lease_seconds=values.positive(env, "PAYMENTS_TURN_LEASE_SECONDS", 6),
        decision_portion=values.positive(env, "PAYMENTS_DECISION_PORTION", 10_000),
        segment_copies_mb=values.positive(env, "PAYMENTS_SEGMENT_COPIES_MB", 8192),
        raw_dataset=_dataset(env, "BIGQUERY_RAW_DATASET"),
        marts_dataset=_dataset(env, "BIGQUERY_MARTS_DATASET"),
    )
    _refuse_a_mixed_target(settings)
    _refuse_a_turn_that_cannot_be(settings)
    _refuse_to_keep_too_little(settings)
    return settings


def payments_home(env: Mapping[str, str] | None = None) -> Path:
    """The one folder of all local state: PAYMENTS_HOME, default `.payments` in the current folder."""
    env = os.environ if env is None else env
    return Path(env.get("PAYMENTS_HOME") or ".payments").expanduser().resolve()


def java_home(home: Path, env: Mapping[str, str] | None = None) -> str | None:
    """JAVA_HOME, or the runtime that `make setup` put into the home folder; None: `java` on PATH."""
    env = os.environ if env is None else env
    fetched = home / "java"
    return env.get("JAVA_HOME") or (str(fetched) if fetched.is_dir() else None)


def _refuse_a_mixed_target(settings: JobSettings) -> None:
    if settings.emulator_host and settings.project != LOCAL_PROJECT:
        raise SettingError(
            f"BIGQUERY_EMULATOR_HOST is set but BIGQUERY_PROJECT is {settings.project!r}: unset the one for BigQuery "
            f"itself, or the other for the local warehouse."
        )
    if settings.has_warehouse and not settings.emulator_host and not settings.staging_location.startswith("gs://"):
        raise SettingError("STAGING_LOCATION must be a gs:// folder: BigQuery cannot load from this machine's disk.")


def _refuse_a_turn_that_cannot_be(settings: JobSettings) -> None:
    if settings.turn not in TURNS:
        raise SettingError(f"PAYMENTS_TURN must be one of {', '.join(TURNS)}, not {settings.turn!r}.")
    if settings.turn == BY_LEASE and not settings.has_warehouse:
        raise SettingError(
            "PAYMENTS_TURN is lease, which is kept in the warehouse, and SINKS is delta alone: leave it out, and start "
            "all processors on one machine, or set SINKS=bigquery,delta."
        )
    least, most = LEASE_SECONDS
    if not least <= settings.turn_lease_seconds <= most:
        raise SettingError(f"PAYMENTS_TURN_LEASE_SECONDS must be from {least} to {most}.")


def _refuse_to_keep_too_little(settings: JobSettings) -> None:
    days = {
        DELIVERIES: settings.keep_deliveries_days,
        RAW_VALUES: settings.keep_raw_days,
        PAYMENTS: settings.keep_payments_days,
        INCIDENTS: settings.keep_incidents_days,
    }
    for problem in problems_of(days, settings.watermark_minutes, settings.seal_after_hours, settings.lookback_days):
        raise SettingError(problem)


def _sinks(value: str) -> tuple[str, ...]:
    named = {name.strip() for name in value.split(",")}
    if not named <= set(SINKS):
        raise SettingError(f"SINKS must be some of {','.join(SINKS)}, not {value!r}.")
    return tuple(sink for sink in SINKS if sink in named)


def _dataset(env: Mapping[str, str], name: str) -> str:
    value = env.get(name) or ""
    return values.matching(name, value, values.IDENTIFIER) if value else ""


def _consumer_group(value: str) -> str:
    return "" if value == NO_GROUP else values.matching("PAYMENTS_CONSUMER_GROUP", value, _TOPIC)


def _watermark_minutes(env: Mapping[str, str]) -> int:
    minutes = values.positive(env, "PAYMENTS_WATERMARK_MINUTES", DEFAULT_WATERMARK_MINUTES)
    if minutes > MAX_WATERMARK_MINUTES:
        raise SettingError(
            f"PAYMENTS_WATERMARK_MINUTES must be at most {MAX_WATERMARK_MINUTES} (a week), not {minutes}."
        )
    return minutes
