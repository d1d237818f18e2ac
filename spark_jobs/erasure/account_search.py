"""Where an account is named: in payments and corrections by their columns, in kept records by their bytes.

Belongs here: finding deliveries. Does not belong here: what names an account (account_names), erasing (erase). SQL
narrows by the account's bytes, Python decides. All that is stored is searched, so each table is, once, by its narrowest
columns; nothing else says where an account is.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import batched
from typing import TYPE_CHECKING, Any

from spark_jobs.contract.payment_event import ERASED, NO_PAYMENTS, Reason
from spark_jobs.decoding.documents import Format, Unreadable, decode
from spark_jobs.erasure.account_names import IDS, ids_of, names_account, needles
from spark_jobs.reading.contracts import contract_of_now
from spark_jobs.reading.headers import from_text
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id
from spark_jobs.tables.row_types import Row, TopicPlace
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.kept_contracts import contracts_of

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


IDS_AT_ONCE = 50_000
"""Each time all ids that are stored are searched."""


@dataclass(frozen=True, slots=True)
class Found:
    """One delivery to erase; `amount_minor` is 0 where it has none, `payments` 1 where its payment counts.

    `delivered_at` is the time of the log, `paid_at` that of its payment, where that counts: they name partitions.
    """

    place: TopicPlace
    transaction_id: str | None
    disposition: str
    day: date
    currency: str
    amount_minor: int
    payments: int
    delivered_at: datetime
    paid_at: datetime | None


@dataclass(frozen=True, slots=True)
class Since:
    """What newer batches than `batch_id` have brought: none of it is older than these two times."""

    batch_id: int
    delivered: datetime
    paid: datetime

    def deliveries(self, row: str) -> str:
        """The condition of a row of payment_deliveries."""
        return f" and {row}.batch_id > @after and {row}.kafka_timestamp >= @delivered_since"

    def payments(self, row: str) -> str:
        """The condition of a row of payment_transactions, and of a correction that a batch has made."""
        return f" and {row}.batch_id > @after and {row}.event_time >= @paid_since"

    def values(self) -> dict[str, Any]:
        """Of the two conditions."""
        return {"after": self.batch_id, "delivered_since": self.delivered, "paid_since": self.paid}


def find(client: "Client", settings: JobSettings, account: str, since: Since | None = None) -> list[Found]:
    """Every delivery of every payment that names the account, and the quarantined and ignored records that do.

    A payment names it as sender or receiver, in any field that the contract does not know, in any version that was
    delivered or decided. Such a record is no payment: it goes by itself, whatever id it claims to have.

    `since` is where only what is new is looked at for the account; its payments go with all their deliveries.
    """
    candidates = _candidates(client, settings, account, since)
    decoded = _decoded(client, settings, candidates)
    named = [
        row
        for row, value in zip(candidates, decoded, strict=True)
        if _is_named(row, account) or names_account(value, account)
    ]
    places = {_place(row) for row in named if row["transaction_id"] is None}
    ids = {row["transaction_id"] for row in named if row["transaction_id"] is not None}
    ids |= _ids_of_payments(client, settings, account, since)
    found = {f.place: f for f in deliveries_of(client, settings, ids)}
    if places - found.keys():
        wanted = (
            f"d.disposition in ('QUARANTINED', 'IGNORED') and ({narrowed_bytes(('d.raw_key', 'd.raw_value'), account)}"
            f" or {narrowed_text('d.headers', account)})"
        )
        wanted += since.deliveries("d") if since else ""
        values = (
            narrowing_values(account, "hex") | narrowing_values(account, "text") | (since.values() if since else {})
        )
        others = _deliveries(client, settings, wanted, values)
        found |= {f.place: f for f in others if f.place in places}
    return sorted(found.values(), key=lambda f: f.place)


def deliveries_of(
    client: "Client", settings: JobSettings, ids: Collection[str], since: Since | None = None
) -> list[Found]:
    """All deliveries of these payments, or those that are new."""
    found: list[Found] = []
    for asked in batched(sorted(ids), IDS_AT_ONCE):
        wanted = "d.transaction_id in (select asked.id from unnest(@ids) as asked)"
        wanted += since.deliveries("d") if since else ""
        values = {"ids": [{"id": name} for name in asked]} | (since.values() if since else {})
        found += _deliveries(client, settings, wanted, values)
    return found


def unsearchable(client: "Client", settings: JobSettings) -> int:
    """Kept records that are no text, such as compressed or encrypted ones: whoever they name is not found in them."""
    sql = f"""
        select count(*) as records from `{table_id(settings, catalog.DELIVERIES)}`
        where disposition = 'QUARANTINED' and '{Reason.INVALID_UTF8}' in unnest(reasons)
        """
    [row] = run(client, sql, {})
    return int(row["records"])


def _is_named(row: Row, account: str) -> bool:
    headers = row["headers"]
    kept = (row["raw_key"], row["raw_value"], None if headers is None else headers.encode())
    return any(names_account(data, account) for data in kept)


def _decoded(client: "Client", settings: JobSettings, rows: Sequence[Row]) -> list[bytes | None]:
    """Of each kept value that its batch's mapping decodes from another format than JSON, what it says, as JSON.

    In such a format a text may stand between bytes that look like its letters.
    """
    kept = [index for index, row in enumerate(rows) if row["raw_value"] is not None]
    texts: list[bytes | None] = [None] * len(rows)
    if not kept:
        return texts
    contracts = contracts_of(client, settings, [rows[index] for index in kept], contract_of_now())
    for index, contract in zip(kept, contracts, strict=True):
        if contract.mapping and contract.mapping.format != Format.JSON:
            row = rows[index]
            headers = from_text(row["headers"])
            document = decode([row["raw_value"]], [row["raw_key"]], [headers], Format(contract.mapping.format))[0]
            texts[index] = None if isinstance(document, Unreadable) else json.dumps(document, default=str).encode()
    return texts


def narrowed_bytes(columns: tuple[str, ...], account: str) -> str:
    """Whether the account's bytes, or an escape that may hide them, are in one of these columns of bytes."""
    found = (f"strpos(to_hex({column}), @hex_{n}) > 0" for column in columns for n in range(len(needles(account))))
    return f"({' or '.join(found)})"


def narrowed_text(column: str, account: str) -> str:
    """The same of a column of text, which no warehouse has to turn into bytes."""
    return f"({' or '.join(f'strpos({column}, @text_{n}) > 0' for n in range(len(needles(account))))})"


def narrowing_values(account: str, kind: str) -> dict[str, Any]:
    """The parameters of a narrowing: `hex` or `text`."""
    return {f"{kind}_{n}": found.encode().hex() if kind == "hex" else found for n, found in enumerate(needles(account))}


def _candidates(client: "Client", settings: JobSettings, account: str, since: Since | None) -> list[Row]:
    """Deliveries whose kept bytes may name the account; without an id where they are of no payment.

    When they came is told by constants, which prune partitions.
    """
    name = f"`{table_id(settings, catalog.DELIVERIES)}`"
    named = f"({narrowed_bytes(('raw_key', 'raw_value'), account)} or {narrowed_text('headers', account)})"
    named += since.deliveries("r") if since else ""
    values = narrowing_values(account, "hex") | narrowing_values(account, "text") | (since.values() if since else {})
    span = f"select min(kafka_timestamp) as first, max(kafka_timestamp) as last from {name} as r where {named}"
    [found] = run(client, span, values)
    if found["first"] is None:
        return []
    sql = f"""
        select topic, kafka_partition, kafka_offset, batch_id, raw_key, raw_value, headers,
            if(disposition in ('QUARANTINED', 'IGNORED'), null, transaction_id) as transaction_id
        from {name} as r
        where kafka_timestamp >= @first and kafka_timestamp <= @last and disposition != '{ERASED}' and {named}
        """
    return run(client, sql, values | found)


def _ids_of_payments(client: "Client", settings: JobSettings, account: str, since: Since | None) -> set[str]:
    """Ids of payments that name the account: as sender or receiver, or in a field that the contract does not know.

    In any version. The field's text is read of payments alone that nothing else names.
    """
    is_party = f"(sender_account_id in {IDS} or receiver_account_id in {IDS})"
    sql = " union distinct ".join(
        f"""
        select transaction_id, {is_party} as is_party, if({is_party}, null, extra_fields) as extra_fields
        from `{table_id(settings, table)}` as r
        where ({is_party} or {narrowed_text("extra_fields", account)}){since.payments("r") if since else ""}
        """
        for table in (catalog.TRANSACTIONS, catalog.CORRECTIONS)
    )
    values = ids_of(account) | narrowing_values(account, "text") | (since.values() if since else {})
    rows = [row for row in run(client, sql, values) if row["transaction_id"] is not None]
    extra = [(row["extra_fields"] or "").encode() for row in rows]
    return {
        row["transaction_id"]
        for row, text in zip(rows, extra, strict=True)
        if row["is_party"] or names_account(text, account)
    }


def _deliveries(client: "Client", settings: JobSettings, wanted: str, values: dict[str, Any]) -> list[Found]:
    """Deliveries, with whether their payments count.

    When they were delivered and paid is asked by the narrowest columns first, and told by constants, which prune.
    """
    here = "t.topic = d.topic and t.kafka_partition = d.kafka_partition and t.kafka_offset = d.kafka_offset"
    deliveries = f"`{table_id(settings, catalog.DELIVERIES)}`"
    [span] = run(
        client,
        f"""
        select min(d.kafka_timestamp) as first, max(d.kafka_timestamp) as last from {deliveries} as d where {wanted}
        """,
        values,
    )
    if span["first"] is None:
        return []
    values = values | span
    delivered = f"""from {deliveries} as d
        where d.kafka_timestamp >= @first and d.kafka_timestamp <= @last and d.disposition != '{ERASED}' and {wanted}"""
    [paid] = run(client, f"select min(d.event_time) as paid_since, max(d.event_time) as paid_until {delivered}", values)
    sql = f"""
        select d.topic, d.kafka_partition, d.kafka_offset, d.transaction_id, d.disposition,
            date(if(d.disposition in ('QUARANTINED', 'IGNORED'), d.kafka_timestamp, d.event_time)) as day,
            coalesce(d.currency, '') as currency, coalesce(d.amount_minor, 0) as amount_minor,
            if(t.topic is null, 0, 1) as payments, d.kafka_timestamp as delivered_at, t.event_time as paid_at
        from (select * {delivered}) as d
        left join (
            select * from `{table_id(settings, catalog.TRANSACTIONS)}`
            where event_time >= @paid_since and event_time <= @paid_until) as t on {here}
        """
    never = datetime(1970, 1, 1, tzinfo=UTC)
    values = values | {name: moment or never for name, moment in paid.items()}
    reported = ("disposition", "day", "currency", "amount_minor", "payments", "delivered_at", "paid_at")
    return [
        Found(
            _place(row),
            None if row["disposition"] in NO_PAYMENTS else row["transaction_id"],
            *(row[name] for name in reported),
        )
        for row in run(client, sql, values)
    ]


def _place(row: dict[str, Any]) -> TopicPlace:
    return row["topic"], row["kafka_partition"], row["kafka_offset"]
