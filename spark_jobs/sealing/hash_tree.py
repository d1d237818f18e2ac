"""The hash tree over a day's payments: what the warehouse computes in SQL, and a proof is made of. Pure.

Belongs here: its shape. Does not belong here: its SQL (statements), going up in it (verify_proof).

The tree has 16 branches. A payment's place follows from the SHA-256 of its id, so the place of an id that is not there
is known as well. All hashes are hexadecimal texts of SHA-256, over UTF-8:

* a payment's leaf: its fields (LEAF_FIELDS) with U+001F between them;
* a bucket, which holds the payments whose id's hash begins with its digits: id's hash and leaf of each, in order;
* a node above: the digit and the hash of each branch that is not empty, in order of the digit.

The root of a day without payments is the hash of the empty text.
"""

from spark_jobs.sealing.verify_proof import FIELDS, sha256

BRANCHES = 16
BUCKET_PAYMENTS = 64
"""So many payments, or fewer, are in a bucket on average."""

LEAF_FIELDS = FIELDS
"""`event_micros` counts from 1970; `value_sha256` is hexadecimal; `times` is how often the row is stored: once."""

SEPARATOR = "\x1f"
EMPTY_ROOT = sha256("")


def depth_of(payments: int) -> int:
    """How many levels a tree of so many payments has below its root."""
    depth = 0
    while BUCKET_PAYMENTS * BRANCHES**depth < payments:
        depth += 1
    return depth
