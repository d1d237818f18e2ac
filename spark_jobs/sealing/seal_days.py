"""Sealing: each day that is over is read once, and its seal is added to the chain.

Belongs here: the order of the steps, and the one statement that writes. Does not belong here: what a seal is (seals),
reading (sealed_reads).
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.sealing.hash_tree import depth_of
from spark_jobs.sealing.sealed_reads import SealedReads, Since, sealed_reads
from spark_jobs.sealing.seals import Seal, days_to_seal, last_closed_day
from spark_jobs.settings import JobSettings
from spark_jobs.tables.catalog import DAY_SEALS
from spark_jobs.tables.names import table_id
from spark_jobs.tables.row_types import Row
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.retries import failures_as_incidents
from spark_jobs.warehouse.transactions import run_to_its_end

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

DISTRIBUTION = "payments"


def seal_days(client: "Client", settings: JobSettings, sealed_by: str, now: datetime) -> Iterator[Seal]:
    """Seal every day that is over, oldest first; each seal once it is written.

    It reads the payments of each such day, and of no other; before the first seal the times of all payments too.

    Args:
        client: the warehouse.
        settings: names the tables; `seal_after_hours` is how long a day must be over.
        sealed_by: who seals.
        now: the clock, with its zone.

    Raises:
        Incident: FENCED, where somebody else seals at the same time.
    """
    with failures_as_incidents():
        newest, days = _due(client, settings, now)
        for day in days:
            with sealed_reads(client, settings) as reads:
                newest = _made(reads, newest, day, sealed_by, now)
            _write(client, settings, newest)
            yield newest


def code_version() -> str:
    """The product's version, as it was installed."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"


def _due(client: "Client", settings: JobSettings, now: datetime) -> tuple[Seal | None, list[date]]:
    """The newest seal, and the days that follow."""
    with sealed_reads(client, settings) as reads:
        watermarks = [row["watermark"] for row in reads.control_rows()]
        closed = last_closed_day(watermarks, now, timedelta(hours=settings.seal_after_hours))
        seals = reads.seals() if closed else []
        with_payments = [] if seals or not closed else reads.days_with_payments()
    newest = seals[-1] if seals else None
    return newest, days_to_seal(newest.day if newest else None, closed, with_payments)


def _made(reads: SealedReads, previous: Seal | None, day: date, sealed_by: str, now: datetime) -> Seal:
    control = reads.control_rows()[0]
    since = Since(control["correction_count"], now)
    sums = reads.sums(day, since)
    depth = depth_of(sums.payments)
    return Seal(
        seal_id=previous.seal_id + 1 if previous else 1,
        day=day,
        payment_count=sums.payments,
        amounts=sums.amounts_as_text(),
        hash_total=sums.hash_total,
        tree_depth=depth,
        tree_root=reads.root(day, since, depth),
        last_batch_id=control["last_batch_id"],
        ledger_digest=control["digest"],
        correction_count=control["correction_count"],
        erasure_count=control["erasure_count"],
        sealed_by=sealed_by,
        code_version=code_version(),
        sealed_at=now,
        previous_digest=previous.digest if previous else "",
    ).sealed()


def _write(client: "Client", settings: JobSettings, seal: Seal) -> None:
    """Add it, unless there is one of that number; what is there then is read back, whatever the answer was."""
    names = [column.name for column in DAY_SEALS.columns]
    values: dict[str, Any] = {name: getattr(seal, name) for name in names} | {"day": seal.day.isoformat()}
    columns = ", ".join("cast(@day as date) as day" if name == "day" else f"@{name} as {name}" for name in names)
    table = f"`{table_id(settings, DAY_SEALS)}`"
    sql = f"""
        merge into {table} as kept using (select {columns}) as made on kept.seal_id = made.seal_id
        when not matched then insert ({", ".join(names)}) values ({", ".join(f"made.{name}" for name in names)})
        """
    answer = run_to_its_end(client, sql, values, f"{settings.pipeline}_seal_{seal.digest[:32]}")
    kept: list[Row] = run(client, f"select digest from {table} where seal_id = @seal_id", {"seal_id": seal.seal_id})
    if [row["digest"] for row in kept] == [seal.digest]:
        return
    if isinstance(answer, Exception) and not kept:
        raise answer
    raise Incident(
        IncidentKind.FENCED, f"somebody else sealed {seal.day} at the same time; look at it by `payments seal --check`."
    )
