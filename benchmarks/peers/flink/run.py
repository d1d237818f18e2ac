"""PyFlink SQL: the deduplication query of Flink's own documentation, on RocksDB, into Parquet files.

The query follows "Deduplication" in Flink's SQL reference (ROW_NUMBER by processing time, keep the first: that only
appends, as a file sink wants). Incremental RocksDB checkpoints and their memory follow "Tuning Checkpoints and Large
State", the state's time to live "Idle State Retention". The mini-batches that "Performance Tuning" speaks of stay off:
with them 2.3 plans this query as one that also updates, which no file sink takes. PyFlink only submits the job: no
Python runs per record. A killed job goes on from its newest checkpoint ("Resuming from a retained checkpoint").
"""

from pathlib import Path

from protocol import Job, cores, jars, main
from pyflink.common import Configuration
from pyflink.table import EnvironmentSettings, TableEnvironment

LACKS = (
    "drops duplicates, uncounted; keeps the first to arrive; forgets by the clock, not by event time; "
    "no reasons, no ledger, no proof by offset"
)

FIELDS = {
    "transaction_id": "string",
    "event_time": "timestamp_ltz(3)",
    "sender_account_id": "string",
    "receiver_account_id": "string",
    "amount": "decimal(38, 9)",
    "currency": "string",
    "country": "string",
    "device_id": "string",
    "device_type": "string",
    "ip_address": "string",
    "payment_method": "string",
    "merchant_category": "string",
}
COLUMNS = ", ".join(f"{name} {kind}" for name, kind in FIELDS.items())


def configuration(job: Job) -> dict[str, str]:
    """Of the job and of the cluster inside this process."""
    newest = checkpoints(job)[-1:]
    return {
        "pipeline.jars": ";".join(f"file://{jar}" for jar in jars()),
        "pipeline.object-reuse": "true",
        "parallelism.default": str(cores()),
        "taskmanager.numberOfTaskSlots": str(cores()),
        # The default of 128 MB is for trials; RocksDB lives in it.
        "taskmanager.memory.managed.size": "1g",
        "state.backend.type": "rocksdb",
        "execution.checkpointing.interval": "5 s",
        "execution.checkpointing.incremental": "true",
        "execution.checkpointing.dir": job.state.as_uri(),
        "table.exec.state.ttl": "1 h",
        "table.local-time-zone": "UTC",
        **({"execution.state-recovery.path": newest[0].as_uri()} if newest else {}),
    }


def checkpoints(job: Job) -> list[Path]:
    """The completed ones that lie in the state's folder, oldest first."""
    found = job.state.glob("*/chk-*/_metadata")
    return [metadata.parent for metadata in sorted(found, key=lambda metadata: metadata.stat().st_mtime_ns)]


def drain(job: Job) -> None:
    """A job of its own for each topic, in one JVM."""
    settings = Configuration()
    for key, value in configuration(job).items():
        settings.set_string(key, value)
    tables = TableEnvironment.create(
        EnvironmentSettings.new_instance().in_streaming_mode().with_configuration(settings).build()
    )
    ends = ";".join(f"partition:{partition},offset:{offset}" for partition, offset in job.ends.items())
    tables.execute_sql(f"""
        create table payments ({COLUMNS}, arrived_at as proctime()) with (
            'connector' = 'kafka', 'topic' = '{job.topic}', 'format' = 'json',
            'properties.bootstrap.servers' = '{job.bootstrap_servers}',
            'json.timestamp-format.standard' = 'ISO-8601',
            'scan.startup.mode' = 'earliest-offset',
            'scan.bounded.mode' = 'specific-offsets', 'scan.bounded.specific-offsets' = '{ends}'
        )""")
    tables.execute_sql(f"""
        create table once ({COLUMNS}) with (
            'connector' = 'filesystem', 'path' = '{job.output.as_uri()}', 'format' = 'parquet'
        )""")
    tables.execute_sql(f"""
        insert into once select {", ".join(FIELDS)} from (
            select *, row_number() over (partition by transaction_id order by arrived_at asc) as n from payments
        ) where n = 1""").wait()


if __name__ == "__main__":
    main(drain, LACKS)
