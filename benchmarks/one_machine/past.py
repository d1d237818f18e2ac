"""Days of payments as the pipeline leaves them: payments, deliveries, ledger, control row, what broker and sender say.

Belongs here: the statements that write them, by arithmetic on a payment's number, and nothing by Spark. Does not belong
here: builds, what is measured (builds, days).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from benchmarks.one_machine.past_columns import BATCH, COUNTED, DELIVERY, MONEY, PAYMENT, RANGE, REPORT
from spark_jobs.tables import catalog

BATCHES_A_DAY = 20
PARTITIONS = 2
RETRY_OF = 20
"""One payment in so many is delivered twice."""
LEAST_PAYMENTS = BATCHES_A_DAY * RETRY_OF * PARTITIONS
"""A day has a multiple of them, or its partitions were not equally long."""
WATERMARK = timedelta(hours=1)

_DAY_MICROSECONDS = 86_400_000_000
_PUBLISHED_AFTER = timedelta(seconds=3)
_PAYMENTS_AN_ACCOUNT = 2.1
_TOPIC = "payment-events"


@dataclass(frozen=True, slots=True)
class Traffic:
    """`payments` a day from `first_day` on, one after the other at an even pace, the same for the same arguments.

    An account makes about two payments a day: seven in ten to one of seven receivers of its own, two in five at a
    terminal, else on one device and from one address.

    Raises:
        ValueError: so many payments cannot be spread evenly.
    """

    first_day: date
    payments: int

    def __post_init__(self) -> None:
        """Refuse what the arithmetic cannot do."""
        if self.payments <= 0 or self.payments % LEAST_PAYMENTS:
            raise ValueError(f"payments a day must be a multiple of {LEAST_PAYMENTS}, not {self.payments}.")

    @property
    def batch(self) -> int:
        """Payments of a batch."""
        return self.payments // BATCHES_A_DAY

    @property
    def offsets(self) -> int:
        """Records of a batch in each partition: its payments, and those that are delivered twice."""
        return (self.batch + self.batch // RETRY_OF) // PARTITIONS

    @property
    def step(self) -> int:
        """Microseconds from one payment to the next."""
        return _DAY_MICROSECONDS // self.payments

    @property
    def accounts(self) -> int:
        """How many pay."""
        return max(100, round(self.payments / _PAYMENTS_AN_ACCOUNT))

    @property
    def merchants(self) -> int:
        """How many are paid."""
        return max(50, self.accounts // 5)

    @property
    def origin(self) -> datetime:
        """The first payment's moment."""
        return datetime.combine(self.first_day, time(), UTC)

    def last_batch(self, days: int) -> int:
        """The newest batch once there are so many days."""
        return days * BATCHES_A_DAY

    def days_until(self, last_batch: int) -> int:
        """The other way round: how many days there are."""
        return last_batch // BATCHES_A_DAY

    def last_payment_at(self, batch_id: int) -> datetime:
        """When the last payment of a batch was made."""
        day, number = divmod(batch_id - 1, BATCHES_A_DAY)
        of_day = (number * self.batch + self.batch - 1) * self.step
        return self.origin + timedelta(days=day, microseconds=of_day)

    def published_at(self, batch_id: int) -> datetime:
        """When a batch was published."""
        return self.last_payment_at(batch_id) + _PUBLISHED_AFTER

    def control(self, days: int) -> dict[str, Any]:
        """The control row's values once there are so many days."""
        last = self.last_batch(days)
        ends = ", ".join(f'"{partition}": {last * self.offsets}' for partition in range(PARTITIONS))
        return {
            "pipeline": "payments",
            "topic": _TOPIC,
            "topic_id": "topic-1",
            "epoch": 1,
            "holder": "run-1",
            "generation": "g1",
            "last_batch_id": last,
            "end_offsets": f"{{{ends}}}",
            "watermark": _text(self.last_payment_at(last) - WATERMARK),
            "updated_at": _text(self.published_at(last)),
            "correction_count": 0,
            "replay_count": 0,
            "erasure_count": 0,
            "digest": f"digest of {last}",
        }

    def broker(self, days: int) -> list[dict[str, Any]]:
        """What the broker says then: all that it has is published."""
        last = self.last_batch(days)
        seen = {"topic": _TOPIC, "earliest_offset": 0, "latest_offset": last * self.offsets}
        observed_at = _text(self.published_at(last) + timedelta(minutes=2))
        return [{"kafka_partition": p, "observed_at": observed_at, **seen} for p in range(PARTITIONS)]

    def statements(self, dataset: str, since: int, until: int) -> Iterator[str]:
        """What adds the days from number `since` until before `until`, in this order; the control row comes after.

        Args:
            dataset: project and dataset, with a dot.
            since: of the first day; 0 is `first_day`.
            until: of the day after the last.
        """
        payments, deliveries = (f"`{dataset}.{t.name}`" for t in (catalog.TRANSACTIONS, catalog.DELIVERIES))
        first, last = self.last_batch(since) + 1, self.last_batch(until)
        # A record is written after its payment was made: constants, by which partitions are left out.
        begun = f"timestamp '{_text(self.origin + timedelta(days=since))}'"
        added = f"batch_id between {first} and {last}"
        yield f"insert into {payments} ({', '.join(PAYMENT)})\n{self._payments(since, until)}"
        made = f"{payments} where event_time >= {begun} and {added}"
        yield f"insert into {deliveries} ({', '.join(DELIVERY)})\n{self._deliveries(made)}"
        delivered = f"{deliveries} where kafka_timestamp >= {begun} and {added}"
        for table, columns, select in (
            (catalog.LEDGER, BATCH, self._ledger(delivered)),
            (catalog.LEDGER_PARTITIONS, RANGE, self._ranges(delivered)),
            (catalog.LEDGER_AMOUNTS, MONEY, self._money(delivered)),
            (catalog.CONTROL_TOTALS, REPORT, self._reports(delivered, _text(self.published_at(last)))),
        ):
            yield f"insert into `{dataset}.{table.name}` ({', '.join(columns)})\n{select}"

    def _payments(self, since: int, until: int) -> str:
        """Everything that a payment says is worked out from 60 bits of its number's MD5."""
        half, accounts, merchants = self.offsets, self.accounts, self.merchants
        return f"""
            with numbered as (
                select
                    day,
                    number,
                    day * {BATCHES_A_DAY} + div(number, {self.batch}) + 1 as batch_id,
                    mod(number, {self.batch}) as place,
                    to_hex(md5(concat(cast(day as string), '/', cast(number as string)))) as id
                from unnest(generate_array({since}, {until - 1})) as day
                cross join unnest(generate_array(0, {self.payments - 1})) as number
            ),

            drawn as (
                select *, mod(drawn, {accounts}) as account, div(drawn, {accounts}) as rest
                from (select *, cast(concat('0x', substr(id, 1, 15)) as int64) as drawn from numbered)
            ),

            chosen as (
                select
                    *,
                    if(
                        mod(rest, 100) < 71,
                        mod((account * 7 + mod(rest, 7)), {merchants}), mod(div(rest, 100), {merchants})
                    ) as merchant,
                    mod(div(rest, 700), 5) < 2 as is_at_terminal,
                    100 + mod(div(rest, 3500), 20000) as amount_minor,
                    timestamp_add(
                        timestamp '{_text(self.origin)}',
                        interval (day * {_DAY_MICROSECONDS} + number * {self.step}) microsecond
                    ) as event_time,
                    ['EUR', 'EUR', 'EUR', 'GBP', 'USD', 'JPY'][offset(mod(account, 6))] as currency
                from drawn
            )

            select
                id as transaction_id,
                event_time,
                concat('acc-', cast(account as string)) as sender_account_id,
                concat('mer-', cast(merchant as string)) as receiver_account_id,
                cast(amount_minor * if(currency = 'JPY', numeric '1', numeric '0.01') as numeric) as amount,
                currency,
                ['DE', 'FR', 'ES', 'GB', 'US', 'JP'][offset(mod(account, 6))] as country,
                if(is_at_terminal, concat('term-', cast(merchant as string)), concat('dev-', cast(account as string)))
                    as device_id,
                if(is_at_terminal, 'pos', ['ios', 'android', 'web'][offset(mod(account, 3))]) as device_type,
                if(
                    is_at_terminal,
                    null,
                    concat(
                        '100.', cast(64 + mod(div(account, 62500), 64) as string),
                        '.', cast(mod(div(account, 250), 250) as string), '.', cast(mod(account, 250) as string)
                    )
                ) as ip_address,
                if(is_at_terminal, 'card', ['wallet', 'bank_transfer'][offset(mod(account, 2))]) as payment_method,
                amount_minor,
                sha256(id) as payload_hash,
                sha256(concat('value ', id)) as value_sha256,
                '{_TOPIC}' as topic,
                mod(place, {PARTITIONS}) as kafka_partition,
                (batch_id - 1) * {half} + div(place, {PARTITIONS}) as kafka_offset,
                timestamp_add(event_time, interval 200 millisecond) as kafka_timestamp,
                batch_id
            from chosen
            """

    def _deliveries(self, made: str) -> str:
        """One for each payment, and of some of them the retry, behind all payments of the batch."""
        # In brackets: the local warehouse divides the last term of a sum alone.
        place = f"((kafka_offset - (batch_id - 1) * {self.offsets}) * {PARTITIONS} + kafka_partition)"
        nth = f"div({place}, {RETRY_OF})"
        said = "transaction_id, event_time, currency, amount_minor, payload_hash, value_sha256, batch_id"
        return f"""
            select
                topic, kafka_partition, kafka_offset, kafka_timestamp, 'UNIQUE' as disposition, {said}
            from {made}
            union all
            select
                topic,
                kafka_partition,
                (batch_id - 1) * {self.offsets} + div(({self.batch} + {nth}), {PARTITIONS}) as kafka_offset,
                timestamp_add(kafka_timestamp, interval 20 millisecond) as kafka_timestamp,
                'DUPLICATE' as disposition,
                {said}
            from {made} and mod({place}, {RETRY_OF}) = mod({nth}, {PARTITIONS})
            """

    def _ledger(self, delivered: str) -> str:
        def text(offset: str) -> str:
            parts = ", ', ', ".join(f"""'"{p}": ', cast({offset} as string)""" for p in range(PARTITIONS))
            return f"concat('{{', {parts}, '}}')"

        def last_payment(batch: str) -> str:
            return f"""timestamp_add(
                    timestamp '{_text(self.origin)}',
                    interval (
                        div(({batch} - 1), {BATCHES_A_DAY}) * {_DAY_MICROSECONDS}
                        + (mod(({batch} - 1), {BATCHES_A_DAY}) * {self.batch} + {self.batch - 1}) * {self.step}
                    ) microsecond
                )"""

        trailing = f"interval {int(WATERMARK.total_seconds())} second"
        published = f"timestamp_add({last_payment('batch_id')}, interval {_PUBLISHED_AFTER.seconds} second)"
        return f"""
            select
                batch_id,
                'payments' as pipeline,
                'g1' as generation,
                batch_id - 1 as spark_batch_id,
                1 as epoch,
                '{_TOPIC}' as topic,
                {text(f"(batch_id - 1) * {self.offsets}")} as start_offsets,
                {text(f"batch_id * {self.offsets}")} as end_offsets,
                {COUNTED},
                if(
                    batch_id = 1, null, timestamp_sub({last_payment("(batch_id - 1)")}, {trailing})
                ) as watermark,
                timestamp_sub({last_payment("batch_id")}, {trailing}) as next_watermark,
                min(kafka_timestamp) as min_kafka_timestamp,
                max(kafka_timestamp) as max_kafka_timestamp,
                1.0 as latency_p50_seconds,
                2.5 as latency_p95_seconds,
                {self.batch * BATCHES_A_DAY} as state_keys,
                {self.batch * BATCHES_A_DAY * 9} as state_bytes,
                1.0 as process_seconds,
                0.5 as load_seconds,
                timestamp_sub({published}, interval 2 second) as started_at,
                {published} as published_at,
                concat('content of ', cast(batch_id as string)) as content_hash,
                concat('digest of ', cast(batch_id as string)) as digest
            from {delivered}
            group by batch_id
            """

    def _ranges(self, delivered: str) -> str:
        return f"""
            select
                batch_id,
                topic,
                kafka_partition,
                (batch_id - 1) * {self.offsets} as start_offset,
                batch_id * {self.offsets} as end_offset,
                {COUNTED}
            from {delivered}
            group by batch_id, topic, kafka_partition
            """

    def _money(self, delivered: str) -> str:
        return f"""
            select
                batch_id,
                disposition,
                currency,
                count(*) as record_count,
                cast(sum(amount_minor) as numeric) as amount_minor
            from {delivered}
            group by batch_id, disposition, currency
            """

    def _reports(self, delivered: str, reported_at: str) -> str:
        return f"""
            select
                'sender' as source,
                timestamp '{reported_at}' as reported_at,
                date(event_time) as day,
                topic,
                kafka_partition,
                currency,
                count(*) as delivered_count,
                sum(amount_minor) as delivered_amount_minor,
                sum(cast(cast(concat('0x', substr(to_hex(value_sha256), 1, 15)) as int64) as numeric))
                    as delivered_hash_total,
                countif(disposition = 'UNIQUE') as unique_count,
                sum(if(disposition = 'UNIQUE', amount_minor, 0)) as unique_amount_minor,
                max(kafka_offset) as max_offset
            from {delivered}
            group by day, topic, kafka_partition, currency
            """


def _text(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="microseconds")
