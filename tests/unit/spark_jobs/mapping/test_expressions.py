"""The grammar of expressions."""

import pytest

from spark_jobs.mapping.expressions import (
    Call,
    Concatenation,
    ExpressionError,
    Index,
    Key,
    Literal,
    Only,
    Path,
    Select,
    parse_expression,
)


def path(*names: str) -> Path:
    return Path(tuple(Key(name) for name in names))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("id", path("id")),
        (" data.object.id ", path("data", "object", "id")),
        ("a-b.@Ccy.#text.$oid", path("a-b", "@Ccy", "#text", "$oid")),
        ("['an odd.name'][\"second\"].x", path("an odd.name", "second", "x")),
        ("items[0].x", Path((Key("items"), Index(0), Key("x")))),
        ("items[-1]", Path((Key("items"), Index(-1)))),
        ("items[only]", Path((Key("items"), Only()))),
        ("links[rel=up].href", Path((Key("links"), Select("rel", "up"), Key("href")))),
        ("links[rel='a b']", Path((Key("links"), Select("rel", "a b")))),
        ("'EUR'", Literal("EUR")),
        ('""', Literal("")),
        ('id + ":" + status', Concatenation((path("id"), Literal(":"), path("status")))),
        ("upper(currency)", Call("upper", (path("currency"),))),
        ("first(a, lower(b), 'c')", Call("first", (path("a"), Call("lower", (path("b"),)), Literal("c")))),
        ("key()", Call("key", ())),
        ("header('ce_id')", Call("header", (Literal("ce_id"),))),
        ("pad(mcc, 4)", Call("pad", (path("mcc"), path("4")))),
    ],
)
def test_an_expression_is_read_into_its_tree(text: str, tree: object) -> None:
    assert parse_expression(text) == tree


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("a.", "ends where a name after the dot"),
        ("a..b", "after a dot"),
        ("a b", "goes on with 'b'"),
        ("a + ", "ends where a path"),
        ("a[", "ends where a position"),
        ("a[b]", "write [0], [only], [name=value]"),
        ("a[0", "lacks a ']'"),
        ("a['x", "a quote is not closed"),
        ("uper(a)", "'uper', which is none of the functions"),
        ("upper(a, b)", "gives upper() 2 arguments; it takes 1"),
        ("first(a)", "it takes 2 or more"),
        ("upper(a", "lacks a ','"),
        ("header(ce_id)", "without quotes"),
        ("pad(mcc, x)", "pad(path, 4)"),
        ("after_last(link, '')", "after_last(path, '/')"),
        ("after_last(link, mark)", "after_last(path, '/')"),
        (")", "where a path"),
        ("upper(" * 5_000, "nested too deeply"),
    ],
)
def test_what_is_no_expression_is_named(text: str, says: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        parse_expression(text)
    assert says in str(raised.value)
