"""The names that Dagster's parts share: asset keys, jobs, groups, tags. Belongs here: names, and nothing that acts."""

from dagster import AssetCheckKey, AssetKey

from spark_jobs.tables import catalog

PREFIX = "payment_data"
"""Key prefix of everything in the warehouse: the name of dbt's source, whatever the dataset is called."""

PAYMENT_EVENTS = AssetKey(["kafka", "payment_events"])
DELIVERIES = AssetKey([PREFIX, catalog.DELIVERIES.name])
BATCHES = AssetKey([PREFIX, "stg_payments__batches"])
KAFKA_OFFSETS = AssetKey([PREFIX, catalog.KAFKA_OFFSETS.name])
OBSERVATIONS = AssetKey([PREFIX, catalog.OBSERVATIONS.name])
RETURNS = AssetKey([PREFIX, "payment_returns"])
FRAUD_SCORES = AssetKey([PREFIX, "payment_transactions_fraud"])
CORRECTIONS = AssetKey([PREFIX, catalog.CORRECTIONS.name])
CONTROL_TOTALS = AssetKey([PREFIX, catalog.CONTROL_TOTALS.name])
DAY_SEALS = AssetKey([PREFIX, catalog.DAY_SEALS.name])
BACKFILL = AssetKey([PREFIX, "payment_backfill"])
FRAUD_BACKTEST = AssetKey([PREFIX, "fraud_backtest"])

OWNERS = ["team:payments"]

PROCESS_JOB = "process_payments"
PUBLISH_OP = "publish_payments"
BUILD_JOB = "build_warehouse"
RECONCILE_JOB = "daily_reconciliation"
BACKTEST_JOB = "backtest_fraud_rules"
BACKFILL_JOB = "backfill_day"
SEAL_JOB = "seal_days"
NIGHTLY_JOBS = (RECONCILE_JOB, SEAL_JOB)
"""The watch tells where a night went by without one of them."""

RETURNS_JOB = "check_returns"
TIDY_JOB = "delete_old_runs"
WATCH_JOB = "watch_pipeline"
NOTIFY_SCHEDULE = "notify"

HEALTH_CHECK = AssetCheckKey(OBSERVATIONS, "pipeline_is_healthy")
"""Of the table that the watch alone writes. Of the view, which each build makes, it would be "Not evaluated" after
a build until the watch looks again."""

DELTA_CHECK = AssetCheckKey(DELIVERIES, "delta_agrees_with_the_warehouse")
RUNLESS_RED = (
    AssetCheckKey(BATCHES, "newest_batch_conserves_records"),
    AssetCheckKey(DAY_SEALS, "sealed_days_are_as_they_were_sealed"),
    DELTA_CHECK,
)
"""Checks that fail no run where they are red, as dbt's tests do: the watch tells of them."""

FIRST_NIGHTS = {RETURNS_JOB: "first_returns_sensor", SEAL_JOB: "first_sealing_sensor"}
"""By a job, the sensor that runs it once on the first day: until the first night its checks would say nothing."""

SENSORS = ("backlog_sensor", "rebuild_sensor", "failure_sensor", *FIRST_NIGHTS.values())
"""The sensors that have to tick."""

REBUILD_SENSOR = "rebuild_sensor"

BACKLOG_TAG = "payments/backlog_after"
"""On a run of the streaming job: the published offsets that it started from."""

WORKER_TAG = "payments/worker"
"""On a run of the streaming job: the process that executes it, with the lock by which its death can be told."""

WORKERS = "run/workers"
"""Below the home: a lock for each process that executes runs."""

STANDS_BY_TAG = "payments/stands_by_for"
"""On a run of the streaming job: the run that it was started to follow on."""

WARM_TAG = "payments/warm_since"
"""On a run of the streaming job that waits for its turn: since when its session has been warm."""

BUILT_BATCH_TAG = "payments/built_batch"
"""On a run that builds the warehouse: the newest published batch when it was requested."""

BUILT_DECISIONS_TAG = "payments/built_decisions"
"""On the same run: how many decisions about payments it has seen, as pipeline_control counts them."""

BUILT_SCORES_TAG = "payments/built_scores"
"""On such a run for which nothing is new: fraud scores are due of payments that an earlier one has built."""
