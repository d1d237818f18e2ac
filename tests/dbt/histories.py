"""Random histories of a warehouse: batches, and decisions about old payments, committed one after the other.

Belongs here: making them and writing them. Does not belong here: dbt, assertions. The same seed makes the same history.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

from google.cloud import bigquery

from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.table_setup import schema_of
from tests.dbt.conftest import DbtWarehouse
from tests.dbt.sample import TOPIC, Row, deliveries, tables

BEGIN = datetime(2026, 3, 1, 22, tzinfo=UTC)
WATERMARK_DELAY = timedelta(minutes=10)
ACCOUNTS, DEVICES, ADDRESSES = 6, 5, 4
BLOCKED = "account-0"


@dataclass
class History:
    """What was committed so far. `clock` is the newest time that anything has."""

    warehouse: DbtWarehouse
    random: Random
    clock: datetime = BEGIN
    watermark: datetime | None = None
    batch_id: int = 0
    correction_id: int = 0
    erasure_id: int = 0
    offset: int = 0
    payments: dict[str, Row] = field(default_factory=dict)

    def begin(self) -> None:
        """Nothing but a control row, and an account on the block list."""
        empty = tables(deliveries(batches=1))
        control = empty["pipeline_control"][0] | {"last_batch_id": 0, "updated_at": _text(self.clock)}
        blocked = {
            "entry_id": "e",
            "list_name": "BLOCK",
            "subject_kind": "RECEIVER",
            "subject": BLOCKED,
            "reason": "why",
        }
        times = {"valid_from": _text(BEGIN - timedelta(days=99)), "valid_to": _text(BEGIN + timedelta(days=999))}
        listed = blocked | times | {"reason": "why", "decided_by": "a", "decided_at": times["valid_from"]}
        rows = {"pipeline_control": [control], "payment_fraud_lists": [listed]}
        self.warehouse.fill({name: [] for name in empty} | rows)

    def commit(self) -> None:
        """A batch, more often than not; or else a decision, once there is something to decide about."""
        if self.batch_id < 2 or self.random.random() < 0.6:
            self.publish(self.random.randint(1, 25))
        else:
            self.decide()

    def publish(self, count: int) -> None:
        """A batch: nothing in it is older than the watermark that it carries in, and little of it is in order."""
        since = self.watermark or self.clock - timedelta(days=2)
        until = max(self.clock, since) + timedelta(hours=self.random.choice((0, 1, 30, 200)), minutes=5)
        self.batch_id += 1
        rows = [self._payment(f"t{self.offset}", self._between(since, until)) for _ in range(count)]
        self.clock = max(_time(row["event_time"]) for row in rows)
        self._append(catalog.TRANSACTIONS, rows)
        delivered = self._deliveries(rows)
        self._append(catalog.DELIVERIES, delivered)
        ledger = tables(deliveries(batches=1))["batch_ledger"][0]
        given = {
            "watermark": _text(self.watermark) if self.watermark else None,
            "published_at": _text(self.clock),
            "min_kafka_timestamp": min((row["kafka_timestamp"] for row in delivered), key=_time),
        }
        self._append(catalog.LEDGER, [ledger | {"batch_id": self.batch_id} | given])
        self.watermark = max(self.clock - WATERMARK_DELAY, self.watermark or BEGIN)
        self.payments |= {row["transaction_id"]: row for row in rows}
        self._tell()

    def _deliveries(self, payments: list[Row]) -> list[Row]:
        """Of a batch: its payments, some of them twice, what came late, and what is no payment."""
        names = {column.name for column in catalog.DELIVERIES.columns}
        unique = [{name: row[name] for name in row if name in names} for row in payments]
        given = [row | {"disposition": "UNIQUE", "reasons": []} for row in unique]
        for row in unique:
            for disposition, reasons in (("DUPLICATE", []), ("LATE", []), ("QUARANTINED", ["INVALID_AMOUNT"])):
                if self.random.random() < 0.2:
                    self.offset += 1
                    place = {"kafka_partition": self.offset % 2, "kafka_offset": self.offset}
                    given.append(row | place | {"disposition": disposition, "reasons": reasons})
        return given

    def decide(self) -> None:
        """A late payment is admitted, or a payment is exchanged for what another delivery, or a new reading, says."""
        if self.random.random() < 0.4:
            late = self._payment(f"late{self.offset}", self._between(self.clock - timedelta(days=45), self.clock))
            self._correct([("ADMITTED_LATE", 1, late)])
            return
        kind = self.random.choice(("CONFLICT", "BACKFILL"))
        old = self.payments[self.random.choice(sorted(self.payments))]
        when = self._between(_time(old["event_time"]) - timedelta(days=3), _time(old["event_time"]) + WATERMARK_DELAY)
        new = self._payment(old["transaction_id"], min(when, self.clock))
        self._correct([(f"{kind}_REPLACED", -1, old), (f"{kind}_CHOSEN", 1, new)])

    def erase(self, account: str) -> set[date]:
        """Take out the payments that name an account in any version; their days, for which there are receipts."""
        versions = [*self.warehouse.rows("payment_transactions"), *self.warehouse.rows("payment_corrections")]
        named = {r["transaction_id"] for r in versions if account in (r["sender_account_id"], r["receiver_account_id"])}
        gone = Counter(r["event_time"].date() for r in versions if "kind" not in r and r["transaction_id"] in named)
        self.erasure_id += 1
        self._append(catalog.ERASURES, [self._receipt(day, count) for day, count in gone.items()])
        ids = ", ".join(f"'{name}'" for name in sorted(named))
        self.warehouse.run(f"delete from {{payment_transactions}} where transaction_id in ({ids})")
        nothing = ", ".join(f"{name} = null" for name in catalog.PERSONAL if name != "dropped_labels")
        self.warehouse.run(f"update {{payment_corrections}} set {nothing} where transaction_id in ({ids})")
        self.payments = {name: row for name, row in self.payments.items() if name not in named}
        self._tell()
        return set(gone)

    def _receipt(self, day: date, count: int) -> Row:
        told = {"erasure_id": self.erasure_id, "account_hash": "a", "erased_ids": count, "batch_id": 1, "topic": TOPIC}
        place = {"kafka_partition": 0, "disposition": "UNIQUE", "day": f"{day}", "currency": "EUR"}
        kind = {"is_late_payment": False, "is_replay": False, "record_count": count, "amount_minor": "1"}
        sums = {"hash_total": "1", "min_offset": 0, "max_offset": 0, "payments_removed": count}
        why = {"erased_by": "operator", "reason": "why", "erased_at": _text(self.clock), "erasure_hash": "AAAA"}
        return told | place | kind | sums | why

    def _correct(self, decided: Iterable[tuple[str, int, Row]]) -> None:
        head = {"last_batch_id": self.batch_id, "decided_by": "operator", "reason": "why", "correction_hash": "AAAA"}
        for kind, added, row in decided:
            self.correction_id += 1
            given = {"correction_id": self.correction_id, "kind": kind, "payments_added": added}
            self._append(catalog.CORRECTIONS, [given | row | head | {"decided_at": _text(self.clock)}])
            if added < 0:
                place = "kafka_partition = {kafka_partition} and kafka_offset = {kafka_offset}".format(**row)
                self.warehouse.run("delete from {payment_transactions} where " + place)
            else:
                self._append(catalog.TRANSACTIONS, [row])
                self.payments[row["transaction_id"]] = row
        self._tell()

    def _tell(self) -> None:
        self.warehouse.run(
            "update {pipeline_control} "
            + f"set last_batch_id = {self.batch_id}, correction_count = {self.correction_id}, "
            + f"erasure_count = {self.erasure_id}, "
            + f"updated_at = timestamp '{_text(self.clock)}' where true"
        )

    def _payment(self, transaction_id: str, event_time: datetime) -> Row:
        self.offset += 1
        chosen = self.random.choice
        return {
            "topic": TOPIC,
            "kafka_partition": self.offset % 2,
            "kafka_offset": self.offset,
            "kafka_timestamp": _text(event_time),
            "batch_id": self.random.randint(1, self.batch_id) if transaction_id in self.payments else self.batch_id,
            "transaction_id": transaction_id,
            "event_time": _text(event_time),
            "sender_account_id": f"account-{self.random.randrange(ACCOUNTS)}",
            "receiver_account_id": f"account-{self.random.randrange(ACCOUNTS)}",
            "amount": str(Decimal(amount := self.random.randint(1, 900_000)).scaleb(-2)),
            "currency": chosen(("EUR", "EUR", "USD")),
            "country": chosen(("DE", "FR", "BR", None)),
            "device_id": chosen((*(f"device-{n}" for n in range(DEVICES)), None)),
            "device_type": chosen(("web", "ios", "pos")),
            "ip_address": chosen((*(f"10.0.0.{n}" for n in range(ADDRESSES)), None)),
            "payment_method": chosen(("card", "transfer", None)),
            "amount_minor": amount,
            "payload_hash": "AAAA",
            "value_sha256": "AAAA",
        }

    def _between(self, since: datetime, until: datetime) -> datetime:
        """Mostly on the second, so that some are at the same microsecond; none before the first."""
        seconds = self.random.randint(0, max(int((until - since).total_seconds()), 0))
        near = until - timedelta(seconds=self.random.randint(0, 5))
        return max(since, near if self.random.random() < 0.4 else since + timedelta(seconds=seconds))

    def _append(self, table: catalog.Table, rows: list[Row]) -> None:
        config = bigquery.LoadJobConfig(schema=schema_of(table), write_disposition="WRITE_APPEND")
        self.warehouse.client.load_table_from_json(
            rows, table_id(self.warehouse.settings, table), job_config=config
        ).result()

    def stored(self) -> int:
        """How many payments there are."""
        [row] = run(
            self.warehouse.client,
            f"select count(*) as n from `{table_id(self.warehouse.settings, catalog.TRANSACTIONS)}`",
            {},
        )
        return int(row["n"])


def _text(moment: datetime) -> str:
    return moment.isoformat(sep=" ")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
