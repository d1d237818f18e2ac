"""What is true of a topic, by its manifest, and what a contender has made of it.

Belongs here: the ids and the money of every unique payment, and reading them back from Parquet, Delta or the warehouse.
Does not belong here: running anything.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from spark_jobs.contract.iso_codes import MINOR_UNITS
from spark_jobs.contract.payment_event import Disposition
from spark_jobs.settings import JobSettings

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

_COUNTED = "select count(*) as batches, coalesce(sum(unique_count), 0) as payments"


@dataclass(frozen=True, slots=True)
class Truth:
    """Unique payments: how many rows, how many ids, and their sums in minor units by currency.

    Every id comes from the topic: where rows and ids are as many as there were sent, the sets are the same.
    """

    rows: int
    ids: int
    minor: dict[str, int]

    def difference(self, found: "Truth") -> str:
        """What is wrong with what was found, in a few words; nothing where it is exact."""
        wrong = []
        if missing := self.ids - found.ids:
            wrong.append(f"{missing:,} payments missing")
        if twice := found.rows - found.ids:
            wrong.append(f"{twice:,} rows too many")
        if not wrong and found != self:
            wrong.append("other amounts")
        return ", ".join(wrong)


class _Line(msgspec.Struct, gc=False):
    disposition: Disposition
    currency: str
    amount_minor: int


def sent(manifest: Path) -> Truth:
    """The truth of a manifest, read line by line: it may be of millions."""
    sums: Counter[str] = Counter()
    rows = 0
    decode = msgspec.json.Decoder(_Line).decode
    for line in _lines(manifest):
        record = decode(line)
        if record.disposition is Disposition.UNIQUE:
            rows += 1
            sums[record.currency] += record.amount_minor
    return Truth(rows, rows, dict(sums))


def _lines(manifest: Path) -> Iterator[bytes]:
    with manifest.open("rb") as file:
        next(file)
        yield from file


def in_files(files: list[Path]) -> Truth:
    """What Parquet files hold; amounts may be decimals or text."""
    import duckdb

    if not files:
        return Truth(0, 0, {})
    found = duckdb.sql(
        "select currency, count(*), sum(amount::decimal(38, 9)) from read_parquet($files) group by currency",
        params={"files": [str(path) for path in files]},
    ).fetchall()
    counted = duckdb.sql(
        "select count(distinct transaction_id) from read_parquet($files)", params={"files": [str(p) for p in files]}
    ).fetchone()
    minor = {currency: int(Decimal(amount).scaleb(MINOR_UNITS[currency])) for currency, _, amount in found}
    return Truth(sum(rows for _, rows, _ in found), counted[0] if counted else 0, minor)


class Published(NamedTuple):
    """What our ledger has by now."""

    batches: int
    payments: int


def published(client: "Client", settings: JobSettings) -> Published:
    """How much of ours is published; nothing where there are no tables yet."""
    from google.api_core.exceptions import NotFound

    from spark_jobs.tables import catalog
    from spark_jobs.tables.names import table_id
    from spark_jobs.warehouse.client import run

    try:
        (ledger,) = run(client, f"{_COUNTED} from `{table_id(settings, catalog.LEDGER)}`", {})
    except NotFound:
        return Published(0, 0)
    return Published(ledger["batches"], ledger["payments"])


def in_warehouse(settings: JobSettings) -> Truth:
    """What our own tables hold."""
    from spark_jobs.tables import catalog
    from spark_jobs.tables.names import table_id
    from spark_jobs.warehouse.client import connect, run

    source = table_id(settings, catalog.TRANSACTIONS)
    sql = f"""
        select currency, count(*) as payments, sum(amount_minor) as minor
        from `{source}` group by currency
        """
    with connect(settings) as client:
        found = run(client, sql, {})
        (ids,) = run(client, f"select count(distinct transaction_id) as ids from `{source}`", {})
    sums = {row["currency"]: int(row["minor"]) for row in found}
    return Truth(sum(row["payments"] for row in found), ids["ids"], sums)


def files(output: str, folder: Path) -> list[Path]:
    """The files that hold a peer's durable results; `output` is delta or parquet."""
    return delta_files(folder) if output == "delta" else parquet_files(folder)


def parquet_files(folder: Path) -> list[Path]:
    """Every finished Parquet file below a folder: what engines still write is hidden by a dot."""
    return [path for path in folder.rglob("*") if path.is_file() and path.name[0] not in "._" and not _is_log(path)]


def delta_files(table: Path) -> list[Path]:
    """The files that a Delta table consists of, by its log of JSON commits."""
    files: set[str] = set()
    for commit in sorted((table / "_delta_log").glob("*.json")):
        for line in commit.read_text().splitlines():
            action = json.loads(line)
            if "add" in action:
                files.add(action["add"]["path"])
            elif "remove" in action:
                files.discard(action["remove"]["path"])
    return [table / name for name in sorted(files)]


def _is_log(path: Path) -> bool:
    return "_delta_log" in path.parts
