"""Which asset a test of dbt is a check of."""

from typing import Any

from orchestration.assets.dbt_translator import with_checks_of_assets


def node(kind: str, name: str, *parents: str, shown_on: str | None = None) -> dict[str, Any]:
    meta = {"dagster": {"ref": {"name": shown_on}}} if shown_on else {}
    return {"resource_type": kind, "name": name, "config": {"meta": meta}, "depends_on": {"nodes": list(parents)}}


MANIFEST: dict[str, Any] = {
    "nodes": {
        "model.p.int_tests__block_nothing": node("model", "int_tests__block_nothing"),
        "model.p.a": node("model", "a", "source.p.s"),
        "model.p.b": node("model", "b", "model.p.a"),
        "model.p.both": node("model", "both", "source.p.s", "source.p.alone"),
        "test.p.of_s": node("test", "of_s", "source.p.s", "model.p.int_tests__block_nothing"),
        "test.p.of_alone": node("test", "of_alone", "source.p.alone", "model.p.int_tests__block_nothing"),
        "test.p.of_a": node("test", "of_a", "model.p.a", "model.p.int_tests__block_nothing", shown_on="b"),
    },
    "child_map": {
        "source.p.s": ["model.p.a", "model.p.both", "test.p.of_s"],
        "source.p.alone": ["model.p.both", "test.p.of_alone"],
        "model.p.a": ["model.p.b", "test.p.of_a"],
        "model.p.b": [],
    },
}


def shown_on(test: str) -> str | None:
    meta = with_checks_of_assets(MANIFEST)["nodes"][test]["config"]["meta"]
    name: str | None = meta.get("dagster", {}).get("ref", {}).get("name")
    return name


def test_a_test_of_a_source_names_the_source_alone() -> None:
    assert with_checks_of_assets(MANIFEST)["nodes"]["test.p.of_s"]["depends_on"]["nodes"] == ["source.p.s"]


def test_a_test_of_a_source_is_shown_on_the_model_that_stands_for_it() -> None:
    assert shown_on("test.p.of_s") == "a"
    assert with_checks_of_assets(MANIFEST)["child_map"]["model.p.a"] == ["model.p.b", "test.p.of_a", "test.p.of_s"]


def test_a_test_of_a_source_that_no_model_stands_for_is_shown_on_the_source() -> None:
    assert shown_on("test.p.of_alone") is None


def test_a_test_is_a_child_of_the_model_that_it_is_shown_on() -> None:
    assert with_checks_of_assets(MANIFEST)["child_map"]["model.p.b"] == ["test.p.of_a"]


def test_what_dbt_wrote_stays_as_it_was() -> None:
    with_checks_of_assets(MANIFEST)
    assert MANIFEST["child_map"]["model.p.b"] == []
