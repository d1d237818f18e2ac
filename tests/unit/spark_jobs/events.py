"""Events of another shape than the contract's, and a mapping for them.

Belongs here: what several tests of mapped records start from. Does not belong here: judging, the mapping's language.
"""

import json

from spark_jobs.mapping.spec import Mapping, read_mapping

TEXT = """
mapping = 1
version = "shop-1"

[[ignore]]
rule = "not-a-charge"
path = "type"
not_in = ["charge"]

[fields]
transaction_id = "data.id"
event_time = "data.paid_at"
sender_account_id = "data.payer.account"
receiver_account_id = { constant = "shop" }
currency = "upper(data.currency)"

[fields.amount]
from = "data.amount"
unit = "minor"
"""
MAPPING: Mapping = read_mapping(TEXT)
OTHER: Mapping = read_mapping(TEXT.replace("shop-1", "shop-2").replace('unit = "minor"', 'unit = "major"'))
"""The same events with an amount in whole units, and by another version."""


def charge(name: str, amount: int = 1250, paid_at: str = "2026-11-21T11:59:00Z", type_: str = "charge") -> bytes:
    """A payment of so many cents; of another type it is none."""
    payer = {"account": f"payer-{name}"}
    data = {"id": name, "paid_at": paid_at, "payer": payer, "currency": "eur", "amount": amount}
    return json.dumps({"type": type_, "data": data}).encode()
