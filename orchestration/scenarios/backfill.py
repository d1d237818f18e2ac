"""Backfill: payments published by a parser with a defect are recomputed beside the live data and swapped in.

Belongs here: the defect, and what is shown. Does not belong here: the recomputation (spark_jobs.corrections).
"""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestration.presentation.backfill_cells import COLUMNS, cells
from orchestration.scenarios.harness.proofs import breaks_of
from orchestration.scenarios.harness.sandbox import Sandbox
from orchestration.scenarios.harness.transcript import Transcript

if TYPE_CHECKING:
    import pyarrow as pa

    from simulator.sending.manifest import Manifest
    from spark_jobs.corrections.backfill import Difference
    from spark_jobs.corrections.batch_mappings import Read

EVENTS = 500
_EURO_CENTS = re.compile(rb'("amount":"[0-9]+)\.[0-9]{2}(","currency":"EUR")')
_COUNTRY = re.compile(rb'"country":"[A-Z]{2}",?')


def run(sandbox: Sandbox, transcript: Transcript) -> None:
    """A day read by a defective parser is recomputed beside the live data, compared in rows and money, swapped."""
    transcript.step(f"Publish {EVENTS} payments; a parser with a defect reads them")
    manifest = sandbox.simulate(EVENTS, seed=1)
    sandbox.drain()
    right = _payments(sandbox)
    _backfill(sandbox, transcript, "planted", _defective)
    transcript.say("The defect is planted by a backfill of its own: it loses the cents of euros, and every country.")
    wrong = _payments(sandbox)
    transcript.claim("the defect has changed payments", True, wrong != right)
    transcript.claim("the law holds with it: every change is a correction", [], breaks_of(sandbox))

    transcript.step("The parser is mended; the day is recomputed beside the live data")
    found = _backfill(sandbox, transcript, "the parser lost cents and countries", None)
    changed = [difference for difference in found if difference.outcome == "CHANGED"]
    euros = [d.recomputed_minor - d.amount_minor for d in changed if d.currency == "EUR"]
    transcript.claim("the diff finds the lost cents", [_euros(right) - _euros(wrong)], euros)
    transcript.claim(
        "and changes no other money", 0, sum(d.recomputed_minor - d.amount_minor for d in changed) - sum(euros)
    )
    transcript.claim(
        "and every payment that was read wrongly", len(_changed(right, wrong)), sum(d.records for d in changed)
    )
    transcript.claim("every payment says again what was sent", _brief(right), _brief(_payments(sandbox)))
    transcript.claim("a second look finds nothing to do", set(), _outcomes(sandbox) - {"SAME"})
    _prove(sandbox, transcript, manifest, len(_changed(right, wrong)))


def _prove(sandbox: Sandbox, transcript: Transcript, manifest: "Manifest", changed: int) -> None:
    kinds = sandbox.ask("select kind, count(*) as n from {payment_corrections} group by kind order by kind")
    expected = {"BACKFILL_CHOSEN": 2 * changed, "BACKFILL_REPLACED": 2 * changed}
    transcript.claim(
        "each swap is on record, with what it took out", expected, {row["kind"]: row["n"] for row in kinds}
    )
    [delivered] = sandbox.ask("select count(*) as n from {payment_deliveries}")
    transcript.claim("no delivery was touched", len(manifest.deliveries), delivered["n"])
    transcript.claim("rules of `payments verify` that are broken", [], breaks_of(sandbox))


def _backfill(sandbox: Sandbox, transcript: Transcript, why: str, read: "Read | None") -> "list[Difference]":
    """Recompute today, show the difference, swap it."""
    from spark_jobs.corrections.backfill import backfill, recomputed

    day = datetime.now(UTC).date()
    with recomputed(sandbox.client, sandbox.settings, _ranges(sandbox), read) as beside:
        found = beside.differences()
        if read is None:
            transcript.table(f"payments backfill {day}", COLUMNS, cells(found))
        reason = f"backfill {day}: {why}"
        swapped = backfill(sandbox.client, sandbox.settings, beside, decided_by="operator", reason=reason)
    transcript.say(f"{len(swapped) // 2} payments are swapped in one transaction.")
    return found


def _outcomes(sandbox: Sandbox) -> set[str]:
    from spark_jobs.corrections.backfill import recomputed

    with recomputed(sandbox.client, sandbox.settings, _ranges(sandbox)) as beside:
        return {difference.outcome for difference in beside.differences()}


def _ranges(sandbox: Sandbox) -> dict[int, tuple[int, int]]:
    """All that is published: today, unless midnight passes."""
    return {partition: (0, end) for partition, end in sandbox.control().end_offsets.items() if end}


def _defective(batch: "pa.RecordBatch") -> "pa.Table":
    """The records as a parser would read them that loses the cents of euros, and every country."""
    import pyarrow as pa

    from spark_jobs.reading.records import read_records

    values = [None if value is None else _spoilt(value) for value in batch.column("value").to_pylist()]
    columns = dict(zip(batch.schema.names, batch.columns, strict=True)) | {"value": pa.array(values, pa.binary())}
    read, true = read_records(pa.RecordBatch.from_pydict(columns)), read_records(batch)
    at = read.schema.get_field_index("value_sha256")
    return read.set_column(at, "value_sha256", true["value_sha256"])


def _spoilt(value: bytes) -> bytes:
    return _COUNTRY.sub(b"", _EURO_CENTS.sub(rb"\1.00\2", value))


type _Payment = tuple[str, int, str | None]


def _payments(sandbox: Sandbox) -> dict[str, _Payment]:
    """Currency, minor units and country by id."""
    rows = sandbox.ask("select transaction_id, currency, amount_minor, country from {payment_transactions}")
    return {row["transaction_id"]: (row["currency"], row["amount_minor"], row["country"]) for row in rows}


def _euros(payments: dict[str, _Payment]) -> int:
    return sum(minor for currency, minor, _ in payments.values() if currency == "EUR")


def _changed(right: dict[str, _Payment], wrong: dict[str, _Payment]) -> set[str]:
    return {name for name, payment in right.items() if wrong.get(name) != payment}


def _brief(payments: dict[str, _Payment]) -> list[tuple[str, _Payment]]:
    return sorted(payments.items())
