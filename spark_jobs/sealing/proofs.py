"""The proof of one payment: that it is counted once on a sealed day, or that it is not counted there.

Belongs here: what the file holds. Does not belong here: checking it, which a script does that needs nothing of ours
(verify_proof).
"""

from typing import TYPE_CHECKING, Any

from spark_jobs.sealing.hash_tree import LEAF_FIELDS
from spark_jobs.sealing.sealed_reads import sealed_reads
from spark_jobs.sealing.seals import Seal
from spark_jobs.sealing.verify_proof import FORMAT, NotProved, sha256, verdict
from spark_jobs.settings import JobSettings
from spark_jobs.warehouse.retries import failures_as_incidents

if TYPE_CHECKING:
    from datetime import date

    from google.cloud.bigquery import Client


def prove(client: "Client", settings: JobSettings, transaction_id: str, day: "date") -> dict[str, Any]:
    """The proof of an id on a day, as JSON has it; it was checked by the script.

    It reads the day's payments. What it says of other payments is hashes alone.

    Raises:
        NotProved: the day is not sealed, or is not as it was sealed.
    """
    with failures_as_incidents(), sealed_reads(client, settings) as reads:
        seal = next((seal for seal in reads.seals() if seal.day == day), None)
        if seal is None:
            raise NotProved(f"{day} is not sealed: see `payments seal`")
        if not reads.kept().are_payments_of(day):
            raise NotProved(
                f"the payments of {day} have expired, and its seal is kept: a proof that was made before holds"
            )
        id_hash = sha256(transaction_id)
        made = proof_of(transaction_id, seal, reads.payment(seal, transaction_id), reads.way(seal, id_hash))
        erased = reads.erased(seal)
    try:
        verdict(made)
    except NotProved as problem:
        since = f"{erased} of its payments were erased since, so" if erased else "look at `payments seal --check`:"
        raise NotProved(f"{since} the sealed hash tree of {day} cannot be made again: {problem}") from None
    return made


def proof_of(
    transaction_id: str, seal: Seal, payments: list[dict[str, Any]], way: list[dict[str, Any]]
) -> dict[str, Any]:
    """From rows: `payments` have LEAF_FIELDS, `way` has `level`, `name` and `digest`."""
    depth = seal.tree_depth
    return {
        "format": FORMAT,
        "transaction_id": transaction_id,
        "payments": [{name: str(payment[name]) for name in LEAF_FIELDS} for payment in payments],
        "bucket": [[row["name"], row["digest"]] for row in way if row["level"] == depth + 1],
        "branches": [
            {row["name"]: row["digest"] for row in way if row["level"] == level} for level in range(1, depth + 1)
        ],
        "seal": seal.as_texts(),
    }
