"""The mapping file: what is right, and each thing that is wrong, with its line and key."""

import json

import pytest

from spark_jobs.contract.payment_event import FIELDS
from spark_jobs.mapping.mapping_error import MappingError
from spark_jobs.mapping.spec import FORMATS, Mapping, read_mapping
from tests.unit.spark_jobs.mapping.mappings import GOOD


def wrong(text: str) -> list[str]:
    with pytest.raises(MappingError) as raised:
        read_mapping(text)
    return [str(finding) for finding in raised.value.findings]


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def test_a_mapping_has_a_version_a_format_and_rules() -> None:
    mapping = read_mapping(GOOD)
    assert (mapping.version, mapping.format, [rule.name for rule in mapping.rules]) == ("1", "json", ["not-paid"])
    assert {field.name for field in FIELDS if field.required} <= set(mapping.fields)
    assert list(mapping.extra) == ["shop"]


def test_a_mapping_is_kept_as_text_and_read_again() -> None:
    mapping = read_mapping(GOOD)
    again = Mapping.from_json(mapping.to_json())
    assert again == mapping
    assert (again.hash, again.fields, again.rules) == (mapping.hash, mapping.fields, mapping.rules)
    assert hash(again) == hash(mapping)
    assert again != mapping.to_json()


def test_the_hash_is_of_what_is_said_and_not_of_how_it_is_written() -> None:
    mapping = read_mapping(GOOD)
    assert len(mapping.hash) == 16
    assert (
        read_mapping("# A comment.\n" + changed('transaction_id = "id"', 'transaction_id = {from = "id"}')) != mapping
    )
    assert read_mapping(GOOD.replace("\n", "  # said\n")).hash == mapping.hash
    assert read_mapping(changed('unit = "minor"', 'unit = "major"')).hash != mapping.hash


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_can_be_named(form: str) -> None:
    assert read_mapping(f'format = "{form}"\n{GOOD}').format == form


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("mapping = 1\n", "", "mapping: must be 1: the language that the file is written in"),
        ("mapping = 1\n", "mapping = true\n", "line 1, mapping: must be 1"),
        ('version = "1"', "version = 1", "line 2, version: must be a text in quotes, not a whole number"),
        ('version = "1"', 'version = ""', "line 2, version: is missing"),
        ('version = "1"', 'version = "1"\nformat = "xml"', "line 3, format: must be one of json"),
        ('version = "1"', 'version = "1"\nfield = 1', "line 3, field: is not known here; did you mean fields?"),
        ("[extra]", "[extra]\nday = 2026-11-28", "day: must be a text, a whole number, true or false, not a date"),
        ('transaction_id = "id"\n', "", "fields.transaction_id: is missing, and every payment needs it"),
        ('transaction_id = "id"', 'transaction_id = "id."', "line 10, fields.transaction_id.from: 'id.' ends where"),
        ('transaction_id = "id"', "transaction_id = 5", "must be a table of from, constant, map, otherwise"),
        (
            'country = "payer.country"',
            'countri = "c"',
            "line 14, fields.countri: is not known here; did you mean country?",
        ),
        ("[[ignore]]", "[ignore]", "ignore: must be up to 100 tables"),
        ('rule = "not-paid"', 'rule = "Not paid"', "line 5, ignore[1].rule: must name the rule"),
        ('not_in = ["paid"]', "", "line 4, ignore[1]: needs a path and one of is, is_not"),
        ('not_in = ["paid"]', 'not_in = "paid"', "line 7, ignore[1].not_in: must be a list"),
        ('not_in = ["paid"]', "not_in = [1.5]", "must be a text, a whole number, true or false, not a number"),
        ('not_in = ["paid"]', 'is = ["paid"]', "ignore[1].is: must be a text, a whole number, true or false"),
        ('not_in = ["paid"]', "present = 1", "ignore[1].present: must be true or false"),
        ('not_in = ["paid"]', 'starts_with = ""', "ignore[1].starts_with: must be a text"),
        ('not_in = ["paid"]', "tombstone = true", "ignore[1].tombstone: must be true, and alone"),
        ('path = "status"', "all = []", "ignore[1].all: must be a list of conditions"),
        ('shop = "shop"', 'amount = "shop"', "extra.amount: is a field of the contract"),
        ('shop = "shop"', 'shop = "a b"', "extra.shop: 'a b' goes on with 'b'"),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_key(old: str, new: str, says: str) -> None:
    assert any(says in finding for finding in wrong(changed(old, new))), wrong(changed(old, new))


def test_all_that_is_wrong_is_said_at_once_and_the_error_is_one_line() -> None:
    text = changed('transaction_id = "id"\n', "").replace('unit = "minor"', "")
    with pytest.raises(MappingError) as raised:
        read_mapping(text, "my.toml")
    assert len(raised.value.findings) == 2
    assert str(raised.value).startswith("my.toml: ")
    assert "(and 1 more: `payments mapping check`)" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "= 1", "a = 1\na = 2", "\x00", "x = " + "9" * 5_000, "a = " + "[" * 5_000])
def test_what_is_no_toml_or_empty_is_an_error_and_no_exception_of_python(text: str) -> None:
    assert wrong(text)


def test_two_rules_of_one_name_are_refused_and_several_conditions_are_taken() -> None:
    rule = '[[ignore]]\nrule = "not-paid"\nall = [{ path = "a", is = 1 }, { path = "b", present = false }]\n\n[fields]'
    assert any("'not-paid' names two rules" in finding for finding in wrong(changed("[fields]\n", rule + "\n")))
    mapping = read_mapping(changed("[fields]\n", rule.replace("not-paid", "test") + "\n"))
    assert [len(each.tests) for each in mapping.rules] == [1, 2]


def test_the_two_ends_of_a_payment_cannot_be_the_same_constant() -> None:
    text = changed('sender_account_id = "payer.id"', "sender_account_id = { constant = 'shop' }")
    assert any("the same as the sender" in finding for finding in wrong(text))


@pytest.mark.parametrize("key", ["'shop'", "first('x', id)", "upper('a' + 'b')", "hash('a', 'b')"])
def test_a_key_that_is_the_same_for_all_records_is_refused(key: str) -> None:
    found = wrong(changed('transaction_id = "id"', f'transaction_id = "{key}"'))
    assert any("all but one would be duplicates" in finding for finding in found)


@pytest.mark.parametrize("key", ["trim(id + shop)", "first(id + shop, id)", "upper(first(id + shop, id))"])
def test_an_id_joined_without_anything_between_is_refused_wherever_it_stands(key: str) -> None:
    assert any("with nothing between" in finding for finding in wrong(changed('"id"', f'"{key}"')))


def test_one_path_cannot_be_both_ends_and_a_finding_repeats_no_long_expression() -> None:
    same = wrong(changed('receiver_account_id = { constant = "shop" }', 'receiver_account_id = "payer.id"'))
    assert any("the same as the sender" in finding for finding in same)
    [long] = wrong(changed('"payer.country"', f'"{"a" * 5_000}("'))
    assert len(long) < 250
    assert any("not nothing" in finding for finding in wrong(changed('from = "paid_at"\n', "")))


def test_a_kind_is_called_as_events_of_version_2_call_it_and_must_be_one() -> None:
    kind = "[fields.kind]\nfrom = 'type'\nmap = { re = 'refund' }\n"
    mapping = read_mapping(GOOD + kind)
    assert "payment_kind" in mapping.fields
    assert Mapping.from_json(mapping.to_json()) == mapping
    for bad, says in (
        (kind.replace("'refund'", "'gift'"), "but kind must be one of payment, refund, reversal, chargeback, fee"),
        (kind + "otherwise = 'absent'\n", "cannot be absent: every payment needs kind"),
        (kind.replace("fields.kind", "fields.payment_kind"), "payment_kind"),
    ):
        [finding] = wrong(GOOD + bad)
        assert says in finding


def test_a_status_that_is_not_in_the_map_is_never_taken_for_money_that_moved() -> None:
    status = "[fields.status]\nfrom = 'state'\nmap = { declined = 'failed' }\notherwise = 'absent'\n"
    [finding] = wrong(GOOD + status)
    assert "fields.status.otherwise: cannot be absent: without a status the money counts as moved" in finding
    assert read_mapping(GOOD + status.replace("'absent'", "'refuse'"))


def test_a_mapping_that_was_kept_stays_readable_where_files_are_held_to_more() -> None:
    kept = json.loads(read_mapping(GOOD).to_json())
    kept["fields"]["status"] = {"from": "state", "map": {"declined": "failed"}, "otherwise": "absent"}
    assert "status" in Mapping.from_json(json.dumps(kept)).fields


def test_a_further_field_may_be_called_as_a_later_version_calls_a_field_of_its_own() -> None:
    assert "status" in read_mapping(GOOD + 'status = "status"\n').extra
