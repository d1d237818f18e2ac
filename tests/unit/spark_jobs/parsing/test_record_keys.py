"""Keys of tombstones: whoever writes them, they name the same payment."""

import json

import pytest

from spark_jobs.contract.payment_event import MAX_VALUE_BYTES
from spark_jobs.parsing.record_keys import payment_of

SCHEMA = {"type": "struct", "fields": [{"field": "id", "type": "string"}]}


@pytest.mark.parametrize(
    "key",
    [
        b"payment-1",
        b'"payment-1"',
        b' "payment-1" ',
        b'"payment\\u002d1"',
        b'{"transaction_id":"payment-1"}',
        b'{"id":"payment-1"}',
        b'{"tenant":"a","id":"payment-1"}',
        b'{"id":"another","transaction_id":"payment-1"}',
        b'{"payment_no":"payment-1"}',
        json.dumps({"schema": SCHEMA, "payload": {"id": "payment-1"}}).encode(),
        b'{"schema":{"type":"string"},"payload":"payment-1"}',
        b'{"schema":null,"payload":"payment-1"}',
    ],
)
def test_a_key_names_its_payment_however_it_is_written(key: bytes) -> None:
    assert payment_of(key) == "payment-1"


@pytest.mark.parametrize("key", [b"1001", b'"1001"', b" 1001", b'{"id":1001}', b'{"schema":{},"payload":{"id":1001}}'])
def test_a_number_names_the_payment_that_its_digits_name(key: bytes) -> None:
    assert payment_of(key) == "1001"


@pytest.mark.parametrize(
    "key",
    [
        None,
        b"",
        b'""',
        b"payment-1\n",
        b'"payment 1"',
        b"\xff",
        b"{",
        b"[]",
        b'["payment-1"]',
        b"{}",
        b'{"id":null}',
        b'{"id":true}',
        b'{"id":10.5}',
        b'{"id":{"id":"payment-1"}}',
        b'{"id":"payment-1","id":"payment-2"}',
        b'{"tenant":"a","number":"payment-1"}',
        b'{"schema":{"type":"string"},"payload":null}',
        b'"' + b"a" * MAX_VALUE_BYTES + b'"',
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b"9" * 5_000,
    ],
)
def test_a_key_that_names_no_payment_or_leaves_it_open_names_none(key: bytes | None) -> None:
    assert payment_of(key) is None
