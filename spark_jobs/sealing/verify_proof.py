"""Checks a proof that `payments prove` wrote: with Python alone, without the warehouse, and without our code.

Usage: run it by Python, with PROOF.json and, as you have it, DIGEST.

DIGEST is the digest of the day's seal, as somebody wrote it down when the day was sealed. Without it the script prints
the digest that the proof is made for, and you compare. It exits 1 where the proof does not hold.

The hashes are SHA-256, in hexadecimal, over UTF-8:
* a payment's leaf: its ten fields with U+001F between them;
* the bucket: SHA-256 of the id, and leaf, of each of its payments, in order;
* a node: the hexadecimal digit and the hash of each branch, in order; the root is the seal's `tree_root`;
* the seal's digest: its other columns, in the order of the file, with U+001F between them.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

FORMAT = "payments-proof-1"
FIELDS = (
    *("transaction_id", "event_micros", "currency", "amount_minor", "value_sha256"),
    *("topic", "kafka_partition", "kafka_offset", "payment_kind", "times"),
)


class NotProved(Exception):
    """The proof does not hold. The message is one line."""


def sha256(text: str) -> str:
    """Hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def require(holds: bool, problem: str) -> None:
    """Raises NotProved."""
    if not holds:
        raise NotProved(problem)


def root_of(proof: dict[str, Any]) -> str:
    """The root of the hash tree, from the bucket upwards. Raises NotProved where a branch is not on the way."""
    id_hash, depth = sha256(proof["transaction_id"]), int(proof["seal"]["tree_depth"])
    require(len(proof["branches"]) == depth, "the proof has another number of levels than the seal")
    entries = sorted(tuple(entry) for entry in proof["bucket"])
    require(all(name[:depth] == id_hash[:depth] for name, _ in entries), "the bucket is another id's")
    found = sha256("".join(name + leaf for name, leaf in entries))
    is_empty = not entries
    for level in reversed(range(depth)):
        branches, digit = proof["branches"][level], id_hash[level]
        require((digit in branches) is not is_empty, f"level {level + 1} does not have the branch that it should")
        require(is_empty or branches[digit] == found, f"level {level + 1} has another hash than its branch")
        is_empty = not branches
        found = sha256("".join(digit + branches[digit] for digit in sorted(branches)))
    return found


def verdict(proof: dict[str, Any]) -> str:
    """What is proved, in one line. Raises NotProved."""
    require(proof["format"] == FORMAT, f"the proof is not of the format {FORMAT}")
    seal, id_hash = proof["seal"], sha256(proof["transaction_id"])
    message = "\x1f".join(text for name, text in seal.items() if name != "digest")
    require(sha256(message) == seal["digest"], "the seal is not what its digest was made of")
    require(root_of(proof) == seal["tree_root"], "the hash tree has another root than the seal")
    leaves = sorted(leaf for name, leaf in proof["bucket"] if name == id_hash)
    given_leaves = sorted(sha256("\x1f".join(payment[name] for name in FIELDS)) for payment in proof["payments"])
    require(leaves == given_leaves, "what is said of the payment is not what was sealed")
    require(all(p["transaction_id"] == proof["transaction_id"] for p in proof["payments"]), "it is another payment")
    times = sum(int(payment["times"]) for payment in proof["payments"])
    if times == 0:
        return f"{proof['transaction_id']} is not counted on {seal['day']}"
    require(times == 1, f"{proof['transaction_id']} is counted {times} times on {seal['day']}")
    [payment] = proof["payments"]
    amount = f"{payment['amount_minor']} minor units of {payment['currency']}"
    return f"{proof['transaction_id']} is counted once on {seal['day']}, with {amount}"


def main(arguments: list[str]) -> int:
    """The exit code."""
    try:
        proof = json.loads(Path(arguments[0]).read_text())
        stated = verdict(proof)
        known = arguments[1] if len(arguments) > 1 else proof["seal"]["digest"]
        require(known == proof["seal"]["digest"], "the seal is another than the one whose digest you have")
    except (NotProved, KeyError, IndexError, TypeError, ValueError, OSError) as problem:
        sys.stderr.write(f"Not proved: {problem or type(problem).__name__}\n")
        return 1
    sys.stdout.write(f"Proved: {stated}.\nDigest of the day's seal: {proof['seal']['digest']}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
