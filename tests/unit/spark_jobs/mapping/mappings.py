"""A mapping for the tests, to be changed in one place, and where the shipped ones lie."""

from pathlib import Path

import spark_jobs.mapping

SHIPPED = sorted((Path(spark_jobs.mapping.__path__[0]) / "shipped").iterdir())

GOOD = """\
mapping = 1
version = "1"

[[ignore]]
rule = "not-paid"
path = "status"
not_in = ["paid"]

[fields]
transaction_id = "id"
sender_account_id = "payer.id"
receiver_account_id = { constant = "shop" }
currency = "upper(money.currency)"
country = "payer.country"

[fields.event_time]
from = "paid_at"
format = "epoch_s"

[fields.amount]
from = "money.amount"
unit = "minor"

[fields.payment_method]
from = "method"
map = { visa = "card", sepa = "bank_transfer" }
otherwise = "absent"

[extra]
shop = "shop"
"""

DOCUMENT = {
    "id": "p_1",
    "status": "paid",
    "payer": {"id": "c_1", "country": "DE"},
    "money": {"amount": 1999, "currency": "eur"},
    "paid_at": 1795838221,
    "method": "visa",
    "shop": {"name": "Café"},
}
"""A document of GOOD that is a payment."""

PAYMENT = {
    "transaction_id": "p_1",
    "event_time": "2026-11-28T03:57:01Z",
    "sender_account_id": "c_1",
    "receiver_account_id": "shop",
    "amount": "19.99",
    "currency": "EUR",
    "country": "DE",
    "payment_method": "card",
}
"""The fields of DOCUMENT by GOOD."""
