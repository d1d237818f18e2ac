"""Schema drift: a field that nobody announced, a type that widens, a required field that vanishes.

Belongs here: the events, and what must become of them. Does not belong here: reading them (spark_jobs.parsing),
promotion (spark_jobs.corrections).
"""

from decimal import Decimal

from orchestration.presentation.field_cells import COLUMNS, cells
from orchestration.scenarios.harness.proofs import breaks_of
from orchestration.scenarios.harness.sandbox import Sandbox, event
from orchestration.scenarios.harness.transcript import Transcript
from spark_jobs.contract.payment_event import Disposition, Reason

_WHO = {"promoted_by": "operator", "reason": "the loyalty team asks for it"}


def run(sandbox: Sandbox, transcript: Transcript) -> None:
    """A new field kept and promoted, a type that widens, a required field that vanishes: no checkpoint breaks."""
    transcript.step("A sender adds fields that the contract does not know")
    sandbox.send([event("before")])
    sandbox.drain()
    generation = sandbox.control().generation
    sandbox.send([_with("new-1", '"loyalty_points":7,"channel":"app"'), _with("new-2", '"loyalty_points":12')])
    sandbox.drain()
    _offer(sandbox, transcript)
    _promote(sandbox, transcript, "INT64")

    transcript.step("Its type widens, an amount comes as a JSON number, and the currency vanishes")
    values = [
        _with("wider-1", '"loyalty_points":12.50'),
        _with("wider-2", '"loyalty_points":"8.25"'),
        event("number").replace(b'"12.30"', b"12.30"),
        event("no-currency").replace(b',"currency":"EUR"', b""),
    ]
    places = sandbox.send(values)
    sandbox.drain()
    found = sandbox.deliveries()
    rows = [(place[1], found[place]["disposition"], ", ".join(found[place]["reasons"])) for place in places]
    transcript.table("", ("offset", "became", "because"), rows)
    _offer(sandbox, transcript)
    narrow = _points(sandbox)
    _promote(sandbox, transcript, "NUMERIC")
    wide = _points(sandbox)

    transcript.claim("a type too narrow loses nothing but its own column", _fit(7, 12, None, None), narrow)
    transcript.claim(
        "promoted wider, every value is read, the oldest too", _fit(7, 12, Decimal("12.5"), Decimal("8.25")), wide
    )
    kept = {row["transaction_id"]: row["extra_fields"] for row in sandbox.ask("select * from {payment_transactions}")}
    transcript.claim("it is kept as it was written", '{"loyalty_points":12.50}', kept["wider-1"])
    transcript.claim("an amount that is no text is quarantined", _bad(Reason.WRONG_TYPE), _judged(found[places[2]]))
    transcript.claim("a payment without currency is quarantined", _bad(Reason.MISSING_FIELD), _judged(found[places[3]]))
    kept_raw = [found[place]["raw_value"] for place in places[2:]]
    transcript.claim("both are kept, byte for byte", True, kept_raw == values[2:])
    transcript.claim("the checkpoint is the same", generation, sandbox.control().generation)
    batches = sandbox.ask("select spark_batch_id from {batch_ledger} order by batch_id")
    transcript.claim("one Spark query went on through all of it", [0, 1, 2], [row["spark_batch_id"] for row in batches])
    transcript.claim("rules of `payments verify` that are broken", [], breaks_of(sandbox))


def _with(transaction_id: str, fields: str) -> bytes:
    return event(transaction_id)[:-1] + f",{fields}}}".encode()


def _offer(sandbox: Sandbox, transcript: Transcript) -> None:
    from spark_jobs.corrections.promoted_fields import unknown_fields

    fields = unknown_fields(sandbox.client, sandbox.settings)
    transcript.table("payments promote-field", COLUMNS, [cells(field) for field in fields.described])


def _promote(sandbox: Sandbox, transcript: Transcript, type_: str) -> None:
    from spark_jobs.corrections.promoted_fields import VIEW, FieldType, promote

    field = promote(sandbox.client, sandbox.settings, "loyalty_points", FieldType(type_), **_WHO)
    transcript.say(f"payments promote-field loyalty_points {type_}: {field.misfits} of {field.payments} do not fit.")
    transcript.table(f"{VIEW}.loyalty_points", ("payment", "value"), _points(sandbox).items())


def _points(sandbox: Sandbox) -> dict[str, object]:
    from spark_jobs.corrections.promoted_fields import VIEW

    sql = f"select transaction_id, loyalty_points from `{{dataset}}.{VIEW}` order by transaction_id"
    return {row["transaction_id"]: row["loyalty_points"] for row in sandbox.ask(sql)}


def _fit(*values: object) -> dict[str, object]:
    return {"before": None, **dict(zip(("new-1", "new-2", "wider-1", "wider-2"), values, strict=True))}


def _bad(reason: Reason) -> list[str]:
    return [str(Disposition.QUARANTINED), str(reason)]


def _judged(row: dict[str, object]) -> list[object]:
    return [row["disposition"], *row["reasons"]]  # type: ignore[misc]
