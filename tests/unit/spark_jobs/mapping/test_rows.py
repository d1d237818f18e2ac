"""One record by a mapping."""

from decimal import Decimal
from typing import Any

from spark_jobs.contract.payment_event import FIELD_NAMES, Reason
from spark_jobs.mapping.readers import Record
from spark_jobs.mapping.rows import MappedRow, row_reader, tombstone_reader
from spark_jobs.mapping.spec import read_mapping
from tests.unit.spark_jobs.mapping.mappings import DOCUMENT, GOOD, PAYMENT


def row(document: Any, text: str = GOOD) -> MappedRow:
    return row_reader(read_mapping(text))(Record(document))


def texts(of: MappedRow) -> dict[str, str]:
    return {name: text for name, text in zip(FIELD_NAMES, of.values, strict=True) if text is not None}


def test_a_payment_is_read() -> None:
    read = row(DOCUMENT)
    assert texts(read) == PAYMENT
    assert read.extra_fields == '{"shop":{"name":"Café"}}'
    assert (read.reasons, read.ignored) == ((), None)


def test_what_is_no_payment_has_the_rules_name_and_nothing_else() -> None:
    read = row(DOCUMENT | {"status": "open"})
    assert (read.ignored, texts(read), read.extra_fields, read.reasons) == ("not-paid", {}, None, ())


def test_what_cannot_be_read_is_told_all_at_once_and_the_rest_is_kept() -> None:
    broken = DOCUMENT | {"paid_at": "today", "money": {"amount": True, "currency": "eur"}, "payer": {"id": None}}
    read = row(broken)
    assert read.reasons == (Reason.WRONG_TYPE, Reason.MISSING_FIELD, Reason.INVALID_EVENT_TIME)
    assert texts(read) == {
        "transaction_id": "p_1",
        "receiver_account_id": "shop",
        "currency": "EUR",
        "payment_method": "card",
    }


def test_a_field_that_cannot_be_read_is_not_missing_as_well() -> None:
    assert row(DOCUMENT | {"paid_at": "today"}).reasons == (Reason.INVALID_EVENT_TIME,)
    # The contract says by itself what is missing, where nothing else is wrong.
    assert row({key: value for key, value in DOCUMENT.items() if key != "paid_at"}).reasons == ()


def test_values_are_replaced_by_the_map_and_others_are_refused_kept_or_left_out() -> None:
    unknown = DOCUMENT | {"method": "klarna"}
    assert "payment_method" not in texts(row(unknown))
    assert row(unknown, GOOD.replace('otherwise = "absent"', "")).reasons == (Reason.UNMAPPED_VALUE,)
    assert texts(row(unknown, GOOD.replace('"absent"', '"keep"')))["payment_method"] == "klarna"
    assert row(DOCUMENT | {"method": Decimal("1.5")}).reasons == (Reason.WRONG_TYPE,)
    yes = GOOD.replace("visa = ", "true = ")
    assert texts(row(DOCUMENT | {"method": True}, yes))["payment_method"] == "card"
    assert "payment_method" not in texts(row(DOCUMENT | {"method": None}))


def test_what_the_mapping_leaves_out_is_told_by_field_and_value() -> None:
    assert row(DOCUMENT | {"method": "klarna"}).dropped == '{"payment_method":"klarna"}'
    assert row(DOCUMENT | {"method": False}).dropped == '{"payment_method":"false"}'
    assert row(DOCUMENT).dropped is None
    assert row(DOCUMENT | {"method": None}).dropped is None
    assert row(DOCUMENT | {"method": "klarna", "status": "open"}).dropped is None, "it is no payment"
    assert row(DOCUMENT | {"method": "klarna"}, GOOD.replace('"absent"', '"keep"')).dropped is None
    assert row(DOCUMENT | {"method": "\ud800"}).dropped == r'{"payment_method":"\\ud800"}'


def test_an_amount_without_a_currency_has_no_minor_unit() -> None:
    read = row(DOCUMENT | {"money": {"amount": 1999}})
    assert read.reasons == (Reason.MISSING_FIELD, Reason.UNKNOWN_MINOR_UNIT)
    assert "amount" not in texts(read)


def test_halves_of_characters_are_a_reason() -> None:
    assert row(DOCUMENT | {"id": "p\ud800"}).reasons == (Reason.INVALID_UNICODE,)
    assert row(DOCUMENT | {"shop": "p\ud800"}).reasons == (Reason.INVALID_UNICODE,)
    assert row(DOCUMENT | {"method": "p\ud800"}, GOOD.replace('"absent"', '"keep"')).reasons


def test_further_fields_keep_their_numbers_exact() -> None:
    fee = Decimal("0.10000000000000000000000001")
    assert row(DOCUMENT | {"shop": {"fee": fee}}).extra_fields == f'{{"shop":{{"fee":{fee}}}}}'
    assert row(DOCUMENT | {"shop": None}).extra_fields is None


def test_a_tombstone_is_of_the_row_that_it_deletes_or_of_what_its_key_names() -> None:
    as_it_is = tombstone_reader(read_mapping(GOOD))
    assert as_it_is(Record({"id": "p_1"}), "other") == "p_1"
    assert as_it_is(Record(None, b"p_1"), "p_1") == "p_1"
    by_key = tombstone_reader(read_mapping(GOOD.replace('transaction_id = "id"', 'transaction_id = "key()"')))
    assert by_key(Record(None, b"p_1"), None) == "p_1"
    assert by_key(Record(None, b"\xff"), None) is None


def test_a_key_names_no_payment_whose_id_the_mapping_makes() -> None:
    made = tombstone_reader(
        read_mapping(GOOD.replace('transaction_id = "id"', "transaction_id = \"escape('db', id)\""))
    )
    assert made(Record({"id": "1"}), "1") == "db__1"
    assert made(Record(None, b"1"), "1") is None


def test_a_kind_that_the_mapping_names_is_not_guessed_where_a_record_lacks_it() -> None:
    by_kind = GOOD + "[fields.kind]\nfrom = 'type'\nmap = { pay = 'payment', re = 'refund' }\n"
    assert texts(row(DOCUMENT | {"type": "re"}, by_kind))["payment_kind"] == "refund"
    assert row(DOCUMENT, by_kind).reasons == (Reason.MISSING_FIELD,)
    assert row(DOCUMENT | {"type": "gift"}, by_kind).reasons == (Reason.UNMAPPED_VALUE,)
    assert "payment_kind" not in texts(row(DOCUMENT))
