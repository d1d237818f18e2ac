"""Deletes: a tombstone marks one payment and takes nothing out; an erasure takes one account out, and the law holds.

Belongs here: the traffic, the two deletes, what comes again after them. Does not belong here: erasing
(spark_jobs/erasing.py), the views (dbt_project).
"""

import shutil
from collections import Counter

from orchestration.cli.decisions.erase import COLUMNS as FOUND_COLUMNS
from orchestration.cli.decisions.erase import RECEIPT_COLUMNS, cells, receipt_cells
from orchestration.scenarios.harness.dbt_models import build_models
from orchestration.scenarios.harness.proofs import breaks_of
from orchestration.scenarios.harness.sandbox import Corner, Place, event
from orchestration.scenarios.harness.transcript import Story
from spark_jobs.contract.payment_event import ERASED, Disposition, Reason

LEAVER = "leaver"
DELETED = "deleted"
OTHERS = {"mover", "newest", "other-account", DELETED}
"""Payments that stay; `other-account` is paid by one whose id only contains the leaver's."""
FRESH = "fresh"

MARTS = ("payments_current", "payment_transactions_fraud", "payment_metrics", "reconciliation_batches")
_COUNTS = ("UNIQUE", "DUPLICATE", "LATE", "QUARANTINED", ERASED)


def run(corner: Corner, story: Story) -> None:
    """Deletes: a tombstone marks a payment, which still counts; an erasure takes an account out of everything."""
    publish(corner, story)
    tombstone(corner, story)
    build_models(corner, "the marts", MARTS)
    marked = corner.ask("select transaction_id, is_deleted from `{dataset}.payments_current` where is_deleted")
    story.table("payments_current: what is deleted", ("payment", "is deleted"), [tuple(r.values()) for r in marked])
    story.claim("the view marks the payment that the tombstone names", [DELETED], [r["transaction_id"] for r in marked])
    erase(corner, story)
    come_again(corner, story)
    story.step("The marts, built anew")
    build_models(corner, "the marts", MARTS)
    named = corner.ask(f"select transaction_id from `{{dataset}}.payment_transactions_fraud` {_OF_THE_LEAVER}")
    story.claim("no mart names the account", [], [row["transaction_id"] for row in named])
    scored = corner.ask("select transaction_id from `{dataset}.payment_transactions_fraud`")
    held = sorted(row["transaction_id"] for row in scored)
    story.claim("the marts hold all the others", sorted(OTHERS | {FRESH}), held)
    judged = corner.ask("select distinct status from `{dataset}.reconciliation_batches`")
    story.claim("dbt's reconciliation of the batches", ["PASS"], [row["status"] for row in judged])


_OF_THE_LEAVER = f"where sender_account_id = '{LEAVER}' or receiver_account_id = '{LEAVER}'"


def publish(corner: Corner, story: Story) -> dict[str, Place]:
    """What one account has left in all tables, among payments of others."""
    story.step(f"Publish payments; an account, {LEAVER}, is in some of them")
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
        places |= dict(zip(batch, corner.send(values[name] for name in batch), strict=True))
        corner.drain()
    _show(corner, story)
    return places


def tombstone(corner: Corner, story: Story) -> None:
    """A record without a value, as a change feed sends it: its key is the payment's id."""
    story.step(f"A tombstone: no value, and the key {DELETED}, a payment's id")
    before = _payments(corner)
    [place] = corner.send([None], key=DELETED.encode())
    corner.drain()
    row = corner.deliveries()[place]
    story.claim(
        "the tombstone is a delivery with its own reason",
        (str(Disposition.QUARANTINED), [str(Reason.TOMBSTONE)], DELETED),
        (row["disposition"], row["reasons"], row["transaction_id"]),
    )
    story.claim("every payment counts as before", sorted(before), sorted(_payments(corner)))
    _show(corner, story)


def erase(corner: Corner, story: Story) -> None:
    """What the command does, but for building."""
    from spark_jobs.erasure import erase as erasing
    from spark_jobs.erasure.account_search import find
    from spark_jobs.erasure.copies import drop_copies

    story.step(f"payments erase {LEAVER}")
    before = corner.control()
    found = find(corner.client, corner.settings, LEAVER)
    story.table("What names the account", FOUND_COLUMNS, cells(found))
    story.step(f"payments erase {LEAVER} --yes --reason 'asked for it'")
    told = {"erased_by": "operator", "reason": "asked for it"}
    made = erasing.erase(corner.client, corner.settings, LEAVER, **told)
    drop_copies(corner.client, corner.settings)
    story.table("The receipt", RECEIPT_COLUMNS, receipt_cells(made))
    _show(corner, story)
    story.claim("what was shown is what was erased", len(found), sum(receipt.records for receipt in made))
    story.claim("the payments of the others are all there", sorted(OTHERS), sorted(_payments(corner)))
    again = erasing.erase(corner.client, corner.settings, LEAVER, **told)
    story.claim("a second time nothing is left", 0, len(again))
    after = corner.control()
    moved = (after.erasure_count - before.erasure_count, after.digest == before.digest, after.end_offsets)
    story.claim("the erasure is counted, the ledger's digest untouched", (1, True, before.end_offsets), moved)
    _prove(corner, story, "erased")


def come_again(corner: Corner, story: Story) -> None:
    """The same payments sent again: one that the state remembers, late ones, one that it has forgotten."""
    story.step("What was erased is sent again; the checkpoint is lost besides")
    shutil.rmtree(corner.folder / "checkpoints")
    again = {
        "paid, byte for byte": event("paid", 10, sender_account_id=LEAVER),
        "forgotten, made anew": event("forgotten", 1, sender_account_id=LEAVER),
        "late": event("late", 150, sender_account_id=LEAVER),
        "its tombstone": None,
    }
    keys = {"its tombstone": b"received"}
    places = {name: corner.send([value], key=keys.get(name, LEAVER.encode()))[0] for name, value in again.items()}
    [fresh] = corner.send([event(FRESH, sender_account_id="somebody")])
    corner.drain()
    found = corner.dispositions()
    rows = [(name, found[place]) for name, place in places.items()]
    story.table("What became of it", ("record", "became"), [*rows, ("of somebody else", found[fresh])])
    story.claim("what was erased is ERASED again", [ERASED] * len(places), [found[place] for place in places.values()])
    story.claim("somebody else's payment is UNIQUE", str(Disposition.UNIQUE), found[fresh])
    story.claim("no payment came back", sorted(OTHERS | {FRESH}), sorted(_payments(corner)))
    _prove(corner, story, "erased again")


def _prove(corner: Corner, story: Story, when: str) -> None:
    from orchestration.verification.audit_reads import days_of, read_day
    from orchestration.verification.ledger_audit import judge
    from orchestration.verification.warehouse_reads import WarehouseReads
    from spark_jobs.tables import catalog

    story.claim(f"{when}: rules of `payments verify` that are broken", [], breaks_of(corner))
    reads = WarehouseReads(corner.client, corner.settings).at_this_moment()
    days = [judge(read_day(reads, day)) for day in days_of(reads)]
    story.claim(f"{when}: `payments audit` recomputes every batch", [True] * len(days), [day.is_good for day in days])
    naming = [table.name for table in catalog.TABLES if any(_names_leaver(row) for row in corner.rows(table))]
    story.claim(f"{when}: tables that name the account", [], naming)


def _names_leaver(row: dict[str, object]) -> bool:
    from spark_jobs.erasure.account_search import names_account

    texts = (value if isinstance(value, bytes) else str(value).encode() for value in row.values())
    return any(names_account(text, LEAVER) for text in texts)


def _payments(corner: Corner) -> list[str]:
    return [row["transaction_id"] for row in corner.ask("select transaction_id from {payment_transactions}")]


def _show(corner: Corner, story: Story) -> None:
    counts = Counter(corner.dispositions().values())
    payments = len(_payments(corner))
    row = (sum(counts.values()), *(counts[name] for name in _COUNTS), payments)
    story.table(f"delivered = {' + '.join(_COUNTS)}", ("delivered", *_COUNTS, "payments"), [row])
