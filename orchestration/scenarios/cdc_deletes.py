"""Deletes: a tombstone marks one payment and takes nothing out; an erasure takes one account out, and the law holds.

Belongs here: the traffic, the two deletes, what comes again after them. Does not belong here: erasing
(spark_jobs.erasure), the views (dbt_project).
"""

import shutil
from collections import Counter

from orchestration.presentation.erasure_cells import COLUMNS as FOUND_COLUMNS
from orchestration.presentation.erasure_cells import RECEIPT_COLUMNS, cells, receipt_cells
from orchestration.scenarios.harness.dbt_models import build_models
from orchestration.scenarios.harness.proofs import breaks_of
from orchestration.scenarios.harness.sandbox import Sandbox, event
from orchestration.scenarios.harness.transcript import Transcript
from spark_jobs.contract.payment_event import ERASED, Disposition, Reason
from spark_jobs.tables.row_types import Place

LEAVER = "leaver"
DELETED = "deleted"
OTHERS = {"mover", "newest", "other-account", DELETED}
"""Payments that stay; `other-account` is paid by one whose id only contains the leaver's."""
FRESH = "fresh"

MARTS = ("payments_current", "payment_transactions_fraud", "payment_metrics", "reconciliation_batches")
_COUNTS = ("UNIQUE", "DUPLICATE", "LATE", "QUARANTINED", ERASED)


def run(sandbox: Sandbox, transcript: Transcript) -> None:
    """Deletes: a tombstone marks a payment, which still counts; an erasure takes an account out of everything."""
    publish(sandbox, transcript)
    tombstone(sandbox, transcript)
    build_models(sandbox, "the marts", MARTS)
    marked = sandbox.ask("select transaction_id, is_deleted from `{dataset}.payments_current` where is_deleted")
    transcript.table(
        "payments_current: what is deleted", ("payment", "is deleted"), [tuple(r.values()) for r in marked]
    )
    transcript.claim(
        "the view marks the payment that the tombstone names", [DELETED], [r["transaction_id"] for r in marked]
    )
    erase(sandbox, transcript)
    come_again(sandbox, transcript)
    transcript.step("The marts, built anew")
    build_models(sandbox, "the marts", MARTS)
    named = sandbox.ask(f"select transaction_id from `{{dataset}}.payment_transactions_fraud` {_OF_THE_LEAVER}")
    transcript.claim("no mart names the account", [], [row["transaction_id"] for row in named])
    scored = sandbox.ask("select transaction_id from `{dataset}.payment_transactions_fraud`")
    held = sorted(row["transaction_id"] for row in scored)
    transcript.claim("the marts hold all the others", sorted(OTHERS | {FRESH}), held)
    judged = sandbox.ask("select distinct status from `{dataset}.reconciliation_batches`")
    transcript.claim("dbt's reconciliation of the batches", ["PASS"], [row["status"] for row in judged])


_OF_THE_LEAVER = f"where sender_account_id = '{LEAVER}' or receiver_account_id = '{LEAVER}'"


def publish(sandbox: Sandbox, transcript: Transcript) -> dict[str, Place]:
    """What one account has left in all tables, among payments of others."""
    transcript.step(f"Publish payments; an account, {LEAVER}, is in some of them")
    values = {
        "forgotten": event("forgotten", 200, sender_account_id=LEAVER),
        "mover": event("mover", 60),
        "paid": event("paid", 10, sender_account_id=LEAVER),
        "retried": event("paid", 10, sender_account_id=LEAVER),
        "received": event("received", 10, receiver_account_id=LEAVER, amount="7.00", currency="USD"),
        "mentioned": event("mentioned", 10, note=f"for {LEAVER}, with thanks"),
        "late": event("late", 150, sender_account_id=LEAVER),
        "broken": event("broken", 10, sender_account_id=LEAVER)[:-1],
        "other-account": event("other-account", 10, sender_account_id=f"{LEAVER}-2"),
        DELETED: event(DELETED, 10),
        "newest": event("newest"),
    }
    places: dict[str, Place] = {}
    for batch in (["forgotten"], ["mover"], [name for name in values if name not in ("forgotten", "mover")]):
        places |= dict(zip(batch, sandbox.send(values[name] for name in batch), strict=True))
        sandbox.drain()
    _show(sandbox, transcript)
    return places


def tombstone(sandbox: Sandbox, transcript: Transcript) -> None:
    """A record without a value, as a change feed sends it: its key is the payment's id."""
    transcript.step(f"A tombstone: no value, and the key {DELETED}, a payment's id")
    before = _payments(sandbox)
    [place] = sandbox.send([None], key=DELETED.encode())
    sandbox.drain()
    row = sandbox.deliveries()[place]
    transcript.claim(
        "the tombstone is a delivery with its own reason",
        (str(Disposition.QUARANTINED), [str(Reason.TOMBSTONE)], DELETED),
        (row["disposition"], row["reasons"], row["transaction_id"]),
    )
    transcript.claim("every payment counts as before", sorted(before), sorted(_payments(sandbox)))
    _show(sandbox, transcript)


def erase(sandbox: Sandbox, transcript: Transcript) -> None:
    """What the command does, but for building."""
    from spark_jobs.erasure import erase as erasing
    from spark_jobs.erasure.account_search import find
    from spark_jobs.erasure.copies import delete_by_id, drop_copies

    transcript.step(f"payments erase {LEAVER}")
    before = sandbox.control()
    found = find(sandbox.client, sandbox.settings, LEAVER)
    transcript.table("What names the account", FOUND_COLUMNS, cells(found))
    transcript.step(f"payments erase {LEAVER} --yes --reason 'asked for it'")
    signed = {"erased_by": "operator", "reason": "asked for it"}
    made = erasing.erase(sandbox.client, sandbox.settings, LEAVER, **signed)
    delete_by_id(sandbox.client, sandbox.settings, LEAVER)
    drop_copies(sandbox.client, sandbox.settings, LEAVER)
    transcript.table("The receipt", RECEIPT_COLUMNS, receipt_cells(made))
    _show(sandbox, transcript)
    transcript.claim("what was shown is what was erased", len(found), sum(receipt.records for receipt in made))
    transcript.claim("the payments of the others are all there", sorted(OTHERS), sorted(_payments(sandbox)))
    again = erasing.erase(sandbox.client, sandbox.settings, LEAVER, **signed)
    transcript.claim("a second time nothing is left", 0, len(again))
    after = sandbox.control()
    moved = (after.erasure_count - before.erasure_count, after.digest == before.digest, after.end_offsets)
    transcript.claim("the erasure is counted, the ledger's digest untouched", (1, True, before.end_offsets), moved)
    _prove(sandbox, transcript, "erased")


def come_again(sandbox: Sandbox, transcript: Transcript) -> None:
    """The same payments sent again: one that the state remembers, late ones, one that it has forgotten."""
    transcript.step("What was erased is sent again; the checkpoint is lost besides")
    shutil.rmtree(sandbox.folder / "checkpoints")
    again = {
        "paid, byte for byte": event("paid", 10, sender_account_id=LEAVER),
        "forgotten, made anew": event("forgotten", 1, sender_account_id=LEAVER),
        "late": event("late", 150, sender_account_id=LEAVER),
        "its tombstone": None,
    }
    keys = {"its tombstone": b"received"}
    places = {name: sandbox.send([value], key=keys.get(name, LEAVER.encode()))[0] for name, value in again.items()}
    [fresh] = sandbox.send([event(FRESH, sender_account_id="somebody")])
    sandbox.drain()
    found = sandbox.dispositions()
    rows = [(name, found[place]) for name, place in places.items()]
    transcript.table("What became of it", ("record", "became"), [*rows, ("of somebody else", found[fresh])])
    transcript.claim(
        "what was erased is ERASED again", [ERASED] * len(places), [found[place] for place in places.values()]
    )
    transcript.claim("somebody else's payment is UNIQUE", str(Disposition.UNIQUE), found[fresh])
    transcript.claim("no payment came back", sorted(OTHERS | {FRESH}), sorted(_payments(sandbox)))
    _prove(sandbox, transcript, "erased again")


def _prove(sandbox: Sandbox, transcript: Transcript, when: str) -> None:
    from orchestration.verification.audit_reads import days_of, read_day
    from orchestration.verification.ledger_audit import judge
    from orchestration.verification.warehouse_reads import WarehouseReads
    from spark_jobs.tables import catalog

    transcript.claim(f"{when}: rules of `payments verify` that are broken", [], breaks_of(sandbox))
    with WarehouseReads(sandbox.client, sandbox.settings).at_one_moment() as reads:
        days = [judge(read_day(reads, day)) for day in days_of(reads)]
    transcript.claim(
        f"{when}: `payments audit` recomputes every batch", [True] * len(days), [day.is_good for day in days]
    )
    naming = [table.name for table in catalog.TABLES if any(_names_leaver(row) for row in sandbox.rows(table))]
    transcript.claim(f"{when}: tables that name the account", [], naming)


def _names_leaver(row: dict[str, object]) -> bool:
    from spark_jobs.erasure.account_names import names_account

    texts = (value if isinstance(value, bytes) else str(value).encode() for value in row.values())
    return any(names_account(text, LEAVER) for text in texts)


def _payments(sandbox: Sandbox) -> list[str]:
    return [row["transaction_id"] for row in sandbox.ask("select transaction_id from {payment_transactions}")]


def _show(sandbox: Sandbox, transcript: Transcript) -> None:
    counts = Counter(sandbox.dispositions().values())
    payments = len(_payments(sandbox))
    row = (sum(counts.values()), *(counts[name] for name in _COUNTS), payments)
    transcript.table(f"delivered = {' + '.join(_COUNTS)}", ("delivered", *_COUNTS, "payments"), [row])
