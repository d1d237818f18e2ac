"""Backfill: payments published by a parser with a defect are recomputed beside the live data and swapped in.

Belongs here: the defect, and what is shown. Does not belong here: the recomputation (spark_jobs/backfilling.py).
"""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestration.cli.decisions.backfill import COLUMNS, cells
from orchestration.scenarios.harness.proofs import breaks_of
from orchestration.scenarios.harness.sandbox import Corner
from orchestration.scenarios.harness.transcript import Story

if TYPE_CHECKING:
    import pyarrow as pa

    from simulator.sending.manifest import Manifest
    from spark_jobs.corrections.backfill import Difference, Read

EVENTS = 500
_EURO_CENTS = re.compile(rb'("amount":"[0-9]+)\.[0-9]{2}(","currency":"EUR")')
_COUNTRY = re.compile(rb'"country":"[A-Z]{2}",?')


def run(corner: Corner, story: Story) -> None:
    """A day read by a defective parser is recomputed beside the live data, compared in rows and money, swapped."""
    story.step(f"Publish {EVENTS} payments; a parser with a defect reads them")
    manifest = corner.simulate(EVENTS, seed=1)
    corner.drain()
    right = _payments(corner)
    _backfill(corner, story, "planted", _defective)
    story.say("The defect is planted by a backfill of its own: it loses the cents of euros, and every country.")
    wrong = _payments(corner)
    story.claim("the defect has changed payments", True, wrong != right)
    story.claim("the law holds with it: every change is a correction", [], breaks_of(corner))

    story.step("The parser is mended; the day is recomputed beside the live data")
    found = _backfill(corner, story, "the parser lost cents and countries", None)
    changed = [difference for difference in found if difference.outcome == "CHANGED"]
    euros = [d.recomputed_minor - d.amount_minor for d in changed if d.currency == "EUR"]
    story.claim("the diff finds the lost cents", [_euros(right) - _euros(wrong)], euros)
    story.claim("and changes no other money", 0, sum(d.recomputed_minor - d.amount_minor for d in changed) - sum(euros))
    story.claim("and every payment that was read wrongly", len(_changed(right, wrong)), sum(d.records for d in changed))
    story.claim("every payment says again what was sent", _brief(right), _brief(_payments(corner)))
    story.claim("a second look finds nothing to do", set(), _outcomes(corner) - {"SAME"})
    _prove(corner, story, manifest, len(_changed(right, wrong)))


def _prove(corner: Corner, story: Story, manifest: "Manifest", changed: int) -> None:
    kinds = corner.ask("select kind, count(*) as n from {payment_corrections} group by kind order by kind")
    expected = {"BACKFILL_CHOSEN": 2 * changed, "BACKFILL_REPLACED": 2 * changed}
    story.claim("each swap is on record, with what it took out", expected, {row["kind"]: row["n"] for row in kinds})
    [delivered] = corner.ask("select count(*) as n from {payment_deliveries}")
    story.claim("no delivery was touched", len(manifest.deliveries), delivered["n"])
    story.claim("rules of `payments verify` that are broken", [], breaks_of(corner))


def _backfill(corner: Corner, story: Story, why: str, read: "Read | None") -> "list[Difference]":
    """Recompute today, show the difference, swap it."""
    from spark_jobs.corrections.backfill import backfill, recomputed

    day = datetime.now(UTC).date()
    with recomputed(corner.client, corner.settings, _ranges(corner), read) as beside:
        found = beside.differences()
        if read is None:
            story.table(f"payments backfill {day}", COLUMNS, cells(found))
        reason = f"backfill {day}: {why}"
        swapped = backfill(corner.client, corner.settings, beside, decided_by="operator", reason=reason)
    story.say(f"{len(swapped) // 2} payments are swapped in one transaction.")
    return found


def _outcomes(corner: Corner) -> set[str]:
    from spark_jobs.corrections.backfill import recomputed

    with recomputed(corner.client, corner.settings, _ranges(corner)) as beside:
        return {difference.outcome for difference in beside.differences()}


def _ranges(corner: Corner) -> dict[int, tuple[int, int]]:
    """All that is published: today, unless midnight passes."""
    return {partition: (0, end) for partition, end in corner.control().end_offsets.items() if end}


def _defective(batch: "pa.RecordBatch") -> "pa.Table":
    """The records as a parser would read them that loses the cents of euros, and every country."""
    import pyarrow as pa

    from spark_jobs.streaming.plan import read_records

    values = [None if value is None else _spoilt(value) for value in batch.column("value").to_pylist()]
    columns = dict(zip(batch.schema.names, batch.columns, strict=True)) | {"value": pa.array(values, pa.binary())}
    read, true = read_records(pa.RecordBatch.from_pydict(columns)), read_records(batch)
    at = read.schema.get_field_index("value_sha256")
    return read.set_column(at, "value_sha256", true["value_sha256"])


def _spoilt(value: bytes) -> bytes:
    return _COUNTRY.sub(b"", _EURO_CENTS.sub(rb"\1.00\2", value))


type _Payment = tuple[str, int, str | None]


def _payments(corner: Corner) -> dict[str, _Payment]:
    """Currency, minor units and country by id."""
    rows = corner.ask("select transaction_id, currency, amount_minor, country from {payment_transactions}")
    return {row["transaction_id"]: (row["currency"], row["amount_minor"], row["country"]) for row in rows}


def _euros(payments: dict[str, _Payment]) -> int:
    return sum(minor for currency, minor, _ in payments.values() if currency == "EUR")


def _changed(right: dict[str, _Payment], wrong: dict[str, _Payment]) -> set[str]:
    return {name for name, payment in right.items() if wrong.get(name) != payment}


def _brief(payments: dict[str, _Payment]) -> list[tuple[str, _Payment]]:
    return sorted(payments.items())
