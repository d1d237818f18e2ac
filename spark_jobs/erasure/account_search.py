"""Where an account is named: in payments and corrections by their columns, in kept records by their bytes.

Belongs here: finding deliveries. Does not belong here: erasing them (erase). SQL narrows by the id's bytes, Python
decides: an id may be a part of another one, and JSON may hide it behind escapes.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from spark_jobs.contract.payment_event import ERASED, FIELDS
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.row_types import TopicPlace
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.table_setup import table_id

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


IDS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Found:
    """One delivery to erase; `amount_minor` is 0 where it has none, `payments` 1 where its payment counts."""

    place: TopicPlace
    transaction_id: str | None
    disposition: str
    day: date
    currency: str
    amount_minor: int
    payments: int


def find(client: "Client", settings: JobSettings, account: str) -> list[Found]:
    """Every delivery of every payment that names the account, and the quarantined records that do.

    A payment names it as sender or receiver, in any field that the contract does not know, in any version that was
    delivered or decided. A quarantined record is no payment: it goes by itself, whatever id it claims to have.
    """
    named = [row for row in _candidates(client, settings, account) if _is_named(row, account)]
    places = {_place(row) for row in named if row["transaction_id"] is None}
    found = {f.place: f for f in _of_payments(client, settings, account)}
    known = {f.transaction_id for f in found.values()}
    missing = sorted({row["transaction_id"] for row in named if row["transaction_id"] is not None} - known)
    for start in range(0, len(missing), IDS_AT_ONCE):
        ids = [{"id": name} for name in missing[start : start + IDS_AT_ONCE]]
        wanted = "d.transaction_id in (select asked.id from unnest(@ids) as asked)"
        found |= {f.place: f for f in _deliveries(client, settings, wanted, {"ids": ids})}
    if places - found.keys():
        wanted = f"d.disposition = 'QUARANTINED' and {_narrowed(('d.raw_key', 'd.raw_value'))}"
        quarantined = _deliveries(client, settings, wanted, {"account": account})
        found |= {f.place: f for f in quarantined if f.place in places}
    return sorted(found.values(), key=lambda f: f.place)


def names_account(data: bytes | None, account: str) -> bool:
    """Whether bytes name an account: as a whole word of a text in the JSON that they are, or of bytes that are none.

    A number is a word with all its digits: 12 is not in 12.50, nor in 10:12. What a field of the contract rightly says
    names nobody, unless it is an account or a device: an amount of 12345 is not account 12345.
    """
    if data is None:
        return False
    word = re.compile(rf"(?<![A-Za-z0-9_-])(?<![0-9][.,:]){re.escape(account)}(?![A-Za-z0-9_-])(?![.,:][0-9])")
    try:
        loaded = json.loads(data, object_pairs_hook=_Pairs, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return word.search(_ESCAPE.sub(lambda hit: chr(int(hit[1], 16)), data.decode("latin-1"))) is not None
    if isinstance(loaded, _Pairs):
        loaded = [pair for pair in loaded if not _is_rightly(*pair)]
    return any(word.search(text) for text in _texts(loaded))


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with all its fields, also those of one name."""


_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})")
_SPEAKING = ("sender_account_id", "receiver_account_id", "device_id")
_SILENT = {field.name: field for field in FIELDS if field.name not in _SPEAKING}


def _is_rightly(name: str, value: Any) -> bool:
    """Whether this is a field of the contract, with a value of its own kind, that can name no account."""
    field = _SILENT.get(name)
    if field is None or not isinstance(value, str):
        return False
    return value in (field.values or ()) or bool(field.pattern and re.fullmatch(field.pattern, value))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _is_named(row: dict[str, Any], account: str) -> bool:
    return names_account(row["raw_key"], account) or names_account(row["raw_value"], account)


def _narrowed(columns: tuple[str, ...]) -> str:
    """Over columns of bytes: whether the account's bytes, or an escape that may hide them, are in one of them."""
    hidden = "5c75"
    return (
        "("
        + " or ".join(
            f"strpos(to_hex({column}), to_hex(cast(@account as bytes))) > 0 or strpos(to_hex({column}), '{hidden}') > 0"
            for column in columns
        )
        + ")"
    )


def _candidates(client: "Client", settings: JobSettings, account: str) -> list[dict[str, Any]]:
    """Kept bytes that may name the account; without an id where they are of a quarantined record."""
    place = "topic, kafka_partition, kafka_offset"
    extra = "cast(extra_fields as bytes)"
    sources = " union all ".join(
        f"select {place}, transaction_id, cast(null as bytes) as raw_key, {extra} as raw_value "
        f"from `{table_id(settings, table)}` where extra_fields is not null and {_narrowed((extra,))}"
        for table in (catalog.TRANSACTIONS, catalog.CORRECTIONS)
    )
    sql = f"""
        select {place}, if(disposition = 'QUARANTINED', null, transaction_id) as transaction_id, raw_key, raw_value
        from `{table_id(settings, catalog.DELIVERIES)}`
        where disposition != '{ERASED}' and {_narrowed(("raw_key", "raw_value"))}
        union all {sources}
        """
    return run(client, sql, {"account": account})


def _of_payments(client: "Client", settings: JobSettings, account: str) -> list[Found]:
    """All deliveries of the payments that have the account as sender or receiver, in any version."""
    ids = " union distinct ".join(
        f"select transaction_id from `{table_id(settings, table)}` "
        f"where sender_account_id = @account or receiver_account_id = @account"
        for table in (catalog.TRANSACTIONS, catalog.CORRECTIONS)
    )
    return _deliveries(client, settings, f"d.transaction_id in ({ids})", {"account": account})


def _deliveries(client: "Client", settings: JobSettings, wanted: str, values: dict[str, Any]) -> list[Found]:
    here = "t.topic = d.topic and t.kafka_partition = d.kafka_partition and t.kafka_offset = d.kafka_offset"
    sql = f"""
        select d.topic, d.kafka_partition, d.kafka_offset, d.transaction_id, d.disposition,
            date(if(d.disposition = 'QUARANTINED', d.kafka_timestamp, d.event_time)) as day,
            coalesce(d.currency, '') as currency, coalesce(d.amount_minor, 0) as amount_minor,
            if(t.topic is null, 0, 1) as payments
        from `{table_id(settings, catalog.DELIVERIES)}` as d
        left join `{table_id(settings, catalog.TRANSACTIONS)}` as t on {here}
        where d.disposition != '{ERASED}' and {wanted}
        """
    told = ("disposition", "day", "currency", "amount_minor", "payments")
    return [
        Found(
            _place(row),
            None if row["disposition"] == "QUARANTINED" else row["transaction_id"],
            *(row[name] for name in told),
        )
        for row in run(client, sql, values)
    ]


def _place(row: dict[str, Any]) -> TopicPlace:
    return row["topic"], row["kafka_partition"], row["kafka_offset"]
