"""A small warehouse made by hand: deliveries, and every other table worked out from them as the pipeline would.

Belongs here: sound data. Does not belong here: ways to break it (breaks), dbt, assertions.
"""

import base64
import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from spark_jobs.tables.row_types import Row as Row

Tables = dict[str, list[Row]]

TOPIC = "payment-events"
START = datetime(2026, 1, 5, 23, 0, tzinfo=UTC)
LEAVER = "leaver"
DISPOSITIONS = ("UNIQUE", "DUPLICATE", "LATE", "QUARANTINED", "IGNORED")
NO_PAYMENTS = ("QUARANTINED", "IGNORED")
RULE = "not-a-payment"


@dataclass(frozen=True)
class Delivery:
    """One record: where it came to lie, what it says, what became of it. `minute` counts from START."""

    batch_id: int
    partition: int
    offset: int
    disposition: str
    transaction_id: str | None
    minute: int
    amount_minor: int = 1000
    currency: str = "EUR"
    country: str | None = "DE"
    payload: str = "same"

    @property
    def event_time(self) -> datetime:
        return START + timedelta(minutes=self.minute)

    @property
    def sender(self) -> str:
        """One account sent a payment, a late one, a malformed record and an ignored one, and nothing else."""
        is_leavers = (self.batch_id, self.partition) == (2, 1) and (
            self.transaction_id == "b2p1-a" or self.disposition in ("LATE", *NO_PAYMENTS)
        )
        return LEAVER if is_leavers else f"sender-{self.partition}"

    @property
    def kafka_timestamp(self) -> datetime:
        return START + timedelta(minutes=60 * self.batch_id, seconds=self.offset)


def _batch(batch_id: int, partition: int, first_offset: int) -> list[Delivery]:
    """Records of one partition: two new payments, a retry, a conflict, a late payment, a malformed record.

    From the second batch on there is one more, which the mapping ignores: the first is of before there were any.
    """
    name = f"b{batch_id}p{partition}"
    minute = 60 * batch_id
    ignored = [Delivery(batch_id, partition, first_offset + 6, "IGNORED", None, minute)] if batch_id > 1 else []
    return [
        Delivery(batch_id, partition, first_offset, "UNIQUE", f"{name}-a", minute),
        Delivery(batch_id, partition, first_offset + 1, "UNIQUE", f"{name}-b", minute + 1, 700_000, "JPY", "JP"),
        Delivery(batch_id, partition, first_offset + 2, "DUPLICATE", f"{name}-a", minute + 2),
        Delivery(batch_id, partition, first_offset + 3, "DUPLICATE", f"{name}-b", minute + 1, 5, payload="other"),
        Delivery(batch_id, partition, first_offset + 4, "LATE", f"{name}-late", -600, 123, "KWD", "KW"),
        Delivery(batch_id, partition, first_offset + 5, "QUARANTINED", None, minute),
        *ignored,
    ]


def deliveries(batches: int) -> list[Delivery]:
    """`batches` batches in each of two partitions: six records in the first, seven in each later one."""
    return [
        delivery
        for batch_id in range(1, batches + 1)
        for partition in range(2)
        for delivery in _batch(batch_id, partition, 100 * partition + max(0, 7 * (batch_id - 1) - 1))
    ]


def tables(records: list[Delivery]) -> Tables:
    """Rows of every table, by name, for these deliveries: all sound."""
    return {
        "payment_deliveries": [_delivery(record) for record in records],
        "payment_transactions": [_payment(record) for record in records if record.disposition == "UNIQUE"],
        "batch_ledger": [_batch_row(batch_id, records) for batch_id in _batch_ids(records)],
        "batch_ledger_partitions": _partition_rows(records),
        "batch_ledger_amounts": _amount_rows(records),
        "pipeline_control": _control(records),
        "sender_control_totals": _control_totals(records),
        "sender_settlement_totals": [],
        "kafka_offsets": [
            {
                "topic": TOPIC,
                "kafka_partition": partition,
                "earliest_offset": 0,
                "latest_offset": end,
                "observed_at": _text(START),
            }
            for partition, end in _end_offsets(records).items()
        ],
        "pipeline_observations": [],
        "health_history": [],
        "pipeline_leases": [],
        "pipeline_incidents": [],
        "accepted_gaps": [],
        "payment_corrections": [],
        "payment_replays": [],
        "promoted_fields": [],
        "payment_erasures": [],
        "payment_erased_ids": [],
        "schema_migrations": [],
        "contract_versions": [],
        "day_seals": [],
        "retention_marks": [],
        "day_reports": [],
        "payment_fraud_labels": [],
        "payment_fraud_lists": [],
        "decision_requests": [],
        "decision_outcomes": [],
    }


def correction(record: Delivery, number: int, kind: str, added: int) -> Row:
    """What is decided of a record's payment; the sample's control row is not told."""
    return {
        "correction_id": number,
        "kind": kind,
        "payments_added": added,
        **_payment(record),
        "last_batch_id": record.batch_id,
        "decided_by": "operator",
        "reason": "policy",
        "decided_at": _text(START + timedelta(days=1)),
        "correction_hash": _bytes(f"{number}{kind}"),
    }


def settlement(reported_at: datetime) -> Row:
    """What a provider says that it settled on the day before it said so: one payment, which nothing here knows."""
    return {
        "source": "provider",
        "reported_at": _text(reported_at),
        "zone": "Europe/Berlin",
        "day": (reported_at - timedelta(days=1)).date().isoformat(),
        "currency": "EUR",
        "payment_count": 1,
        "amount_minor": 100,
        "report_sha256": "0" * 64,
        "mapping_sha256": "0" * 64,
    }


def correct(data: Tables, corrections: list[Row]) -> None:
    """Do what the corrections say to the payments, and tell the control row."""
    names = data["payment_transactions"][0].keys()
    for row in corrections:
        place = ("topic", "kafka_partition", "kafka_offset")
        if row["payments_added"] < 0:
            data["payment_transactions"] = [
                paid for paid in data["payment_transactions"] if [paid[n] for n in place] != [row[n] for n in place]
            ]
        elif row["payments_added"]:
            data["payment_transactions"].append({name: row[name] for name in names})
    data["payment_corrections"] += corrections
    data["pipeline_control"][0]["correction_count"] = len(data["payment_corrections"])


def _delivery(record: Delivery) -> Row:
    valid = record.disposition not in NO_PAYMENTS
    return {
        **_coordinates(record),
        "disposition": record.disposition,
        "reasons": {"QUARANTINED": ["INVALID_JSON"], "IGNORED": [RULE]}.get(record.disposition, []),
        "transaction_id": record.transaction_id,
        "event_time": _text(record.event_time) if valid else None,
        "currency": record.currency if valid else None,
        "amount_minor": record.amount_minor if valid else None,
        "payload_hash": _bytes(f"{record.transaction_id}{record.payload}") if valid else None,
        "value_sha256": _bytes(f"{record.partition}/{record.offset}"),
        "raw_key": None if record.disposition == "UNIQUE" else _base64(record.sender.encode()),
        "raw_value": None if record.disposition == "UNIQUE" else _base64(b"\xff\x00{"),
    }


def _payment(record: Delivery) -> Row:
    decimals = {"EUR": 2, "JPY": 0, "KWD": 3}[record.currency]
    return {
        **_coordinates(record),
        "transaction_id": record.transaction_id,
        "event_time": _text(record.event_time),
        "sender_account_id": record.sender,
        "receiver_account_id": "receiver",
        "amount": str(Decimal(record.amount_minor).scaleb(-decimals)),
        "currency": record.currency,
        "country": record.country,
        "payment_method": "card",
        "amount_minor": record.amount_minor,
        "payload_hash": _bytes(f"{record.transaction_id}{record.payload}"),
        "value_sha256": _bytes(f"{record.partition}/{record.offset}"),
    }


def _coordinates(record: Delivery) -> Row:
    return {
        "topic": TOPIC,
        "kafka_partition": record.partition,
        "kafka_offset": record.offset,
        "kafka_timestamp": _text(record.kafka_timestamp),
        "batch_id": record.batch_id,
    }


def _counts(records: list[Delivery]) -> Row:
    found = Counter(record.disposition for record in records)
    counts: Row = {"delivered": len(records)} | {f"{name.lower()}_count": found[name] for name in DISPOSITIONS}
    return counts if records[0].batch_id > 1 else counts | {"ignored_count": None}


def _batch_row(batch_id: int, records: list[Delivery]) -> Row:
    batch = [record for record in records if record.batch_id == batch_id]
    published_at = START + timedelta(minutes=60 * batch_id + 1)
    return {
        "batch_id": batch_id,
        "pipeline": "payments",
        "generation": "g1",
        "spark_batch_id": batch_id - 1,
        "epoch": 1,
        "topic": TOPIC,
        "start_offsets": "{}",
        "end_offsets": json.dumps(_end_offsets(batch)),
        **_counts(batch),
        "watermark": _text(START + timedelta(minutes=60 * batch_id - 120)) if batch_id > 1 else None,
        "next_watermark": _text(START + timedelta(minutes=60 * batch_id - 60)),
        "min_kafka_timestamp": _text(min(record.kafka_timestamp for record in batch)),
        "max_kafka_timestamp": _text(max(record.kafka_timestamp for record in batch)),
        "latency_p50_seconds": 1.0,
        "latency_p95_seconds": 2.5,
        "state_keys": 4 * batch_id,
        "state_bytes": 64 * batch_id,
        "process_seconds": 1.0,
        "load_seconds": 0.5,
        "started_at": _text(published_at - timedelta(seconds=2)),
        "published_at": _text(published_at),
        "content_hash": f"content of {batch_id}",
        "digest": f"digest of {batch_id}",
        "contract_version": None,
        "ignored_by_rule": json.dumps({RULE: 2}) if batch_id > 1 else None,
        "watermark_minutes": None,
        "hole_count": None,
        "judged_at": None,
    }


def _partition_rows(records: list[Delivery]) -> list[Row]:
    rows = []
    for batch_id in _batch_ids(records):
        for partition in range(2):
            group = [r for r in records if (r.batch_id, r.partition) == (batch_id, partition)]
            offsets = [record.offset for record in group]
            rows.append(
                {
                    "batch_id": batch_id,
                    "topic": TOPIC,
                    "kafka_partition": partition,
                    "start_offset": min(offsets),
                    "end_offset": max(offsets) + 1,
                    **_counts(group),
                    "hole_count": None,
                }
            )
    return rows


def _amount_rows(records: list[Delivery]) -> list[Row]:
    counts: Counter[tuple[int, str, str]] = Counter()
    sums: Counter[tuple[int, str, str]] = Counter()
    for record in records:
        valid = record.disposition not in NO_PAYMENTS
        key = (record.batch_id, record.disposition, record.currency if valid else "")
        counts[key] += 1
        sums[key] += record.amount_minor if valid else 0
    return [
        {"batch_id": key[0], "disposition": key[1], "currency": key[2], "record_count": n, "amount_minor": sums[key]}
        for key, n in counts.items()
    ]


def _control(records: list[Delivery]) -> list[Row]:
    row = {
        "pipeline": "payments",
        "topic": TOPIC,
        "topic_id": "topic-1",
        "epoch": 1,
        "holder": "run-1",
        "generation": "g1",
        "last_batch_id": max(_batch_ids(records), default=0),
        "end_offsets": json.dumps(_end_offsets(records)),
        "watermark": None,
        "updated_at": _text(START + timedelta(minutes=60 * max(_batch_ids(records), default=0) + 1)),
        "correction_count": 0,
        "replay_count": 0,
        "erasure_count": 0,
        "digest": f"digest of {max(_batch_ids(records), default=0)}",
        "last_records": None,
    }
    return [row] if records else []


def _control_totals(records: list[Delivery]) -> list[Row]:
    """Two senders' reports: what each batch holds, as its sender counted it."""
    rows: dict[tuple[str, str, int, str], Row] = {}
    for record in records:
        valid = record.disposition not in NO_PAYMENTS
        currency = record.currency if valid else ""
        day = (record.event_time if valid else record.kafka_timestamp).date().isoformat()
        row = rows.setdefault(
            (f"sender-{record.batch_id % 2}", day, record.partition, currency),
            {
                "source": f"sender-{record.batch_id % 2}",
                "reported_at": _text(START),
                "day": day,
                "topic": TOPIC,
                "kafka_partition": record.partition,
                "currency": currency,
                **dict.fromkeys(
                    ("delivered_count", "delivered_amount_minor", "unique_count", "unique_amount_minor"), 0
                ),
                "delivered_hash_total": "0",
                "report_sha256": None,
                "max_offset": max(r.offset for r in records if r.partition == record.partition),
            },
        )
        paid = record.disposition in ("UNIQUE", "LATE")
        row["delivered_count"] += 1
        row["delivered_amount_minor"] += record.amount_minor if valid else 0
        row["delivered_hash_total"] = str(int(row["delivered_hash_total"]) + _hash_part(record))
        row["unique_count"] += paid
        row["unique_amount_minor"] += record.amount_minor if paid else 0
    return list(rows.values())


def _batch_ids(records: list[Delivery]) -> list[int]:
    return sorted({record.batch_id for record in records})


def _end_offsets(records: list[Delivery]) -> dict[int, int]:
    ends: dict[int, int] = {}
    for record in records:
        ends[record.partition] = max(ends.get(record.partition, 0), record.offset + 1)
    return ends


def _text(moment: datetime) -> str:
    return moment.isoformat(sep=" ")


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _hash_part(record: Delivery) -> int:
    """What a record adds to a hash total: the first 15 hexadecimal digits of its value's SHA-256."""
    return int(hashlib.sha256(f"{record.partition}/{record.offset}".encode()).hexdigest()[:15], 16)


def _bytes(text: str) -> str:
    return _base64(hashlib.sha256(text.encode()).digest())
