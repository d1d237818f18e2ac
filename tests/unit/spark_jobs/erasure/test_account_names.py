"""What names an account: any text, as a whole word, in whatever a broken sender or JSON has made of it."""

import json

import pytest

from spark_jobs.erasure.account_names import NotAnAccount, account_of, forms_of, names_account, needles

UPI, IBAN, MAIL, PHONE = "field.test@okexample", "DE02 1203 0000 0000 2020 51", "a.b@example.org", "+254700000001"
COMPOSED, DECOMPOSED = "Zo\u00eb M\u00fcller", "Zoe\u0308 Mu\u0308ller"


@pytest.mark.parametrize(
    "account", [UPI, IBAN, MAIL, PHONE, "a/b", 'say "x"', "x\\y", COMPOSED, "\U0001f469 7", "acc-7"]
)
def test_any_text_is_found_in_whatever_form_a_record_gives_it(account: str) -> None:
    payment = {"sender_account_id": account, "amount": "1.00"}
    as_php_writes_it = json.dumps(payment).replace("/", "\\/")
    in_text = json.dumps(payment, ensure_ascii=False)
    values = [
        json.dumps(payment),
        as_php_writes_it,
        in_text,
        json.dumps(in_text),
        json.dumps({"a": json.dumps(payment)}),
    ]
    values += [value[:-1] for value in values]
    values += ["\ufeff" + in_text, f"<?xml?><Document>\r\n{account}</Document>", f"2026-11-28;{account},12.30", account]
    for value in values:
        assert names_account(value.encode(), account), value
        assert any(needle in value for needle in needles(account)), value


def test_an_account_is_found_however_unicode_writes_it() -> None:
    assert forms_of(COMPOSED) == [COMPOSED, DECOMPOSED]
    for account in (COMPOSED, DECOMPOSED):
        for written in (COMPOSED, DECOMPOSED):
            assert names_account(f'{{"sender_account_id":"{written}"}}'.encode(), account)
            assert written in needles(account)


@pytest.mark.parametrize(
    ("text", "account"),
    [
        *[("my.field.test@okexample", UPI), ("field.test@okexample.uk", UPI), ("field.test@okexamples", UPI)],
        *[("x+a.b@example.org", MAIL), ("a.b@example.org-x", MAIL), ("+2547000000012", PHONE), ("Zoe M", "Zo")],
        *[("Jos\u00e9", "Jos"), ("DE02 1203 0000 0000 2020 512", IBAN)],
    ],
)
def test_a_text_that_only_contains_the_account_is_another_one(text: str, account: str) -> None:
    assert not names_account(json.dumps({"sender_account_id": text}).encode(), account)
    assert not names_account(text.encode(), account)


@pytest.mark.parametrize("text", [f"<{MAIL}>", f"mailto:{MAIL}", f"paid by {MAIL}.", f"{MAIL}/1", f"5,{MAIL},1"])
def test_an_address_ends_where_its_sentence_does(text: str) -> None:
    assert names_account(text.encode(), MAIL)


@pytest.mark.parametrize("text", ["", " ", "-", "@ .", "x" * 301, "\udcff1"])
def test_what_can_name_nobody_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(NotAnAccount) as refused:
        account_of(text)
    assert "\n" not in str(refused.value)


def test_blanks_around_an_account_are_not_part_of_it() -> None:
    assert account_of(f" {IBAN}\n") == IBAN


@pytest.mark.parametrize(
    "data",
    [
        b"acc-7",
        b'{"sender_account_id":"acc-7"}',
        b'{"note":"for acc-7, with thanks"}',
        b'{"acc-7":1}',
        b'{"a":[{"b":"\\u0061cc-7"}]}',
        b'{"a":"\\u0061cc-\\u0037',
        b"\xff\x00acc-7{",
    ],
)
def test_an_account_is_named_by_a_whole_word_even_where_json_hides_it(data: bytes) -> None:
    assert names_account(data, "acc-7")


@pytest.mark.parametrize(
    "data",
    [None, b"", b'{"id":"acc-77"}', b'{"id":"my-acc-7"}', b'{"id":"acc-7_"}', b'{"id":"\\u0061cc-77"}', b"ACC-7"],
)
def test_an_id_that_only_contains_the_account_is_another_one(data: bytes | None) -> None:
    assert not names_account(data, "acc-7")


@pytest.mark.parametrize(
    "data",
    [
        b'{"transaction_id":"12345","amount":"12345"}',
        b'{"amount":"12345.00","event_time":"2026-11-21T12:00:00Z","ip_address":"10.1.23.45"}',
        b'{"note":"costs 12345.50, or 1,12345"}',
    ],
)
def test_a_number_is_no_account_where_a_field_rightly_says_it(data: bytes) -> None:
    assert not names_account(data, "12345")


@pytest.mark.parametrize(
    "data",
    [
        b'{"amount":"1","sender_account_id":"12345"}',
        b'{"sender_account_id":"12345","sender_account_id":"other"}',
        b'{"currency":"12345"}',
        b'{"parts":[{"from":12345}]}',
        b'{"note":"paid by 12345."}',
        b"12345",
        b'{"amount":"12345',
    ],
)
def test_an_account_may_be_a_number(data: bytes) -> None:
    assert names_account(data, "12345")


def test_an_id_that_looks_like_a_pattern_is_taken_by_the_letter() -> None:
    assert not names_account(b"acc-7", "acc.7")
