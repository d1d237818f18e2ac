import ast
import csv
import hashlib
import json
import re
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import available_timezones

import jinja2
import pytest
import yaml

from benchmarks.bytes.volumes import Schedule
from orchestration.settings import child_environment, read_stack_settings
from spark_jobs.contract.iso_codes import COUNTRIES, MINOR_UNITS
from spark_jobs.tables.catalog import TABLES, Layer, Table

PROJECT = Path(__file__).parents[2] / "dbt_project"
MODELS = sorted((PROJECT / "models").rglob("*.sql"))
SINGULAR = sorted((PROJECT / "tests/singular").glob("*.sql"))
GENERIC = sorted((PROJECT / "tests/generic").glob("*.sql"))
MAX_SQL_LINES = 120
NOTHING_STANDS_ON = "int_tests__block_nothing"

each_model = pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)


def described(model: Path) -> dict[str, Any]:
    [description] = yaml.safe_load(model.with_suffix(".yml").read_text())["models"]
    assert description["name"] == model.stem
    return dict(description)


def seed(name: str) -> list[dict[str, str]]:
    with (PROJECT / f"seeds/{name}.csv").open() as file:
        return list(csv.DictReader(file))


def kinds_of_tests(path: Path) -> set[str]:
    """The kinds of data test that a yml file uses, at any depth."""

    def walk(node: Any) -> set[str]:
        if isinstance(node, list):
            return set().union(*(walk(each) for each in node)) if node else set()
        if not isinstance(node, dict):
            return set()
        own = node.get("data_tests", [])
        kinds = {each if isinstance(each, str) else next(iter(each)) for each in own if isinstance(own, list)}
        return kinds.union(*(walk(value) for value in node.values()))

    return walk(yaml.safe_load(path.read_text()))


@each_model
def test_a_model_says_what_a_row_of_it_is(model: Path) -> None:
    assert described(model)["description"].startswith("One row per ")


@each_model
def test_every_column_of_a_model_has_a_type_and_a_meaning(model: Path) -> None:
    assert [c["name"] for c in described(model)["columns"] if not (c.get("data_type") and c.get("description"))] == []


@each_model
def test_no_column_is_a_float_but_what_the_ledger_measures_in_seconds(model: Path) -> None:
    floats = {c["name"] for c in described(model)["columns"] if c["data_type"].startswith("float")}
    assert all(name.endswith("_seconds") for name in floats)


def test_no_column_of_a_table_or_a_seed_is_a_float_but_what_is_measured() -> None:
    floats = {(table.name, column.name) for table in TABLES for column in table.columns if column.type == "FLOAT64"}
    # Shares, seconds and sizes, each in the unit of its metric.
    floats.remove(("health_history", "value"))
    assert floats
    assert all(name.endswith("_seconds") for _, name in floats)
    [seeds] = [yaml.safe_load((PROJECT / "seeds/_seeds.yml").read_text())["seeds"]]
    kinds = {kind for each in seeds for kind in each["config"]["column_types"].values()}
    assert kinds <= {"string", "int64", "numeric", "date", "timestamp", "bool"}


@each_model
def test_a_model_is_short(model: Path) -> None:
    assert len(model.read_text().splitlines()) <= MAX_SQL_LINES


@pytest.mark.parametrize("test", SINGULAR, ids=lambda path: path.stem)
def test_a_rule_is_a_check_of_an_asset(test: Path) -> None:
    text = test.read_text()
    [asset] = re.findall(r"meta={'dagster': {'ref': {'name': '(\w+)'}}}", text)
    assert asset in {model.stem for model in MODELS}


@pytest.mark.parametrize("test", SINGULAR, ids=lambda path: path.stem)
def test_a_rule_of_a_model_that_is_read_at_night_is_tagged_so_that_no_other_build_runs_it(test: Path) -> None:
    at_night = {model.stem for model in (PROJECT / "models/marts/returns").glob("*.sql")}
    text = test.read_text()
    [asset] = re.findall(r"meta={'dagster': {'ref': {'name': '(\w+)'}}}", text)
    assert ("tags=['nightly']" in text) is (asset in at_night)


@pytest.mark.parametrize("test", [*SINGULAR, *GENERIC], ids=lambda path: path.stem)
def test_a_test_names_the_model_on_which_nothing_stands_so_that_its_failure_skips_nothing(test: Path) -> None:
    assert f"-- depends_on: {{{{ ref('{NOTHING_STANDS_ON}') }}}}" in test.read_text()
    assert all(NOTHING_STANDS_ON not in model.read_text() for model in MODELS)


def test_every_kind_of_test_in_use_is_the_projects_own() -> None:
    used = {name for path in PROJECT.glob("**/*.yml") if "target" not in path.parts for name in kinds_of_tests(path)}
    assert used == {path.stem for path in GENERIC}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_source_says_what_its_table_says_and_is_its_asset(table: Table) -> None:
    sources = yaml.safe_load((PROJECT / "models/staging/_sources.yml").read_text())["sources"]
    [(source, declared)] = [(s["name"], each) for s in sources for each in s["tables"] if each["name"] == table.name]
    assert source == {Layer.RAW: "payment_raw", Layer.OPERATIONS: "payment_data"}[table.layer]
    assert declared["config"]["meta"]["dagster"]["asset_key"] == ["payment_data", table.name]
    assert declared["description"] == table.description
    assert {c["name"]: c["description"] for c in declared["columns"]} == {c.name: c.description for c in table.columns}


def test_every_country_of_the_contract_has_a_region() -> None:
    assert [row["country"] for row in seed("country_regions")] == sorted(COUNTRIES)


def test_a_country_has_a_centre_on_the_globe_and_a_time_zone_that_there_is_or_neither() -> None:
    rows = seed("country_regions")
    placed = [row for row in rows if row["latitude"] or row["longitude"] or row["time_zone"]]
    assert {row["country"] for row in rows if row not in placed} == {"AQ", "BV", "HM", "UM"}
    for row in placed:
        assert -90 <= float(row["latitude"]) <= 90
        assert -180 <= float(row["longitude"]) <= 180
        assert row["time_zone"] in available_timezones()


def test_every_currency_of_the_contract_has_its_minor_unit() -> None:
    for row in seed("currencies"):
        assert Decimal(row["minor_unit_value"]) == Decimal(1).scaleb(-MINOR_UNITS[row["currency"]])
        assert int(row["minor_units"]) == MINOR_UNITS[row["currency"]]
    assert {row["currency"] for row in seed("currencies")} == set(MINOR_UNITS)


def test_every_currency_has_a_rate_since_the_contracts_first_year_until_further_notice() -> None:
    rates = seed("fx_rates")
    assert {row["currency"] for row in rates if row["valid_from"] == "2000-01-01"} == set(MINOR_UNITS)
    assert {row["currency"] for row in rates if not row["valid_to"]} == set(MINOR_UNITS)


def test_the_rates_of_a_currency_neither_overlap_nor_leave_a_gap() -> None:
    periods: dict[str, list[tuple[str, str]]] = {}
    for row in seed("fx_rates"):
        periods.setdefault(row["currency"], []).append((row["valid_from"], row["valid_to"]))
    for currency, spans in periods.items():
        [*ends, last] = [end for _, end in sorted(spans)]
        assert (ends, last) == ([start for start, _ in sorted(spans)[1:]], ""), currency


def test_the_reporting_currency_is_one_that_has_a_minor_unit_and_rates() -> None:
    currency = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]["reporting_currency"]
    assert currency in {row["currency"] for row in seed("currencies")}
    assert currency in {row["currency"] for row in seed("fx_rates")}


def test_amounts_in_ten_thousandths_are_whole_and_rates_are_exact() -> None:
    """What int_fx_rates__crossed and int_payments__valued multiply stays within NUMERIC's nine decimals."""
    assert max(MINOR_UNITS.values()) <= 4
    assert all(len(row["eur_per_thousand"].partition(".")[2]) <= 9 for row in seed("fx_rates"))


RELEASED_RULES = {
    1: "83f47992122d66e822c5b3e21422a90ce8255e66874dde442a9b7c9a901daeb7",
    2: "0f26aacc1ec9bc517392d6be187992536fd02caf6e739c0dbb3f3cfd82d46cb0",
    3: "0e9bdff75deb290be6b564e9beaedb52f81645026dbdd93ca266be863f25ef97",
}
"""SHA-256 of the rows of each released version of the fraud rules."""


@pytest.mark.parametrize(("version", "digest"), RELEASED_RULES.items())
def test_the_rules_of_a_released_version_never_change(version: int, digest: str) -> None:
    rows = [sorted(row.items()) for row in seed("fraud_rules") if row["rule_version"] == str(version)]
    assert hashlib.sha256(json.dumps(rows).encode()).hexdigest() == digest, "make a new version instead"


def test_every_version_of_the_rules_has_rules_and_a_period() -> None:
    versions = {row["rule_version"] for row in seed("fraud_rule_versions")}
    assert versions == {row["rule_version"] for row in seed("fraud_rules")}


def test_every_rule_weighs_something_and_names_a_measure_that_is_taken() -> None:
    scores = (PROJECT / "macros/fraud_scores.sql").read_text()
    [taken] = re.findall(r"set measures = \[([^]]+)\]", scores)
    measures = set(re.findall(r"'(\w+)'", taken))
    for row in seed("fraud_rules"):
        assert row["measure"] in measures
        assert row["above"] or row["at_most"]
        assert 0 < int(row["weight"]) <= 100


def test_every_version_of_the_rules_has_limits_of_the_alert_queue() -> None:
    limits = seed("fraud_queue_limits")
    assert {row["rule_version"] for row in limits} == {row["rule_version"] for row in seed("fraud_rule_versions")}
    for row in limits:
        assert 1 <= int(row["score_from"]) <= 100, "every payment has a score of 0"
        assert int(row["alerts_a_day"]) >= 1


def test_no_check_of_a_build_reads_the_alert_queue() -> None:
    """It reads days of payments: whoever opens it pays for that, and no build."""
    text = (PROJECT / "models/marts/fraud/fraud_alert_queue.yml").read_text()
    assert "data_tests" not in text
    assert all("fraud_alert_queue" not in path.read_text() for path in SINGULAR)


class Refused(Exception):
    pass


def reporting_currency(value: str, call: str = "reporting_currency()", rated: tuple[str, ...] = ()) -> str:
    def refuse(message: str) -> None:
        raise Refused(message)

    template = (PROJECT / "macros/reporting_currency.sql").read_text() + f"{{{{ {call} }}}}"
    environment = jinja2.Environment(autoescape=False, extensions=["jinja2.ext.do"])  # noqa: S701 - it is SQL
    names = {
        "var": lambda _: value,
        "execute": True,
        "flags": SimpleNamespace(WHICH="build"),
        "run_query": lambda sql: SimpleNamespace(rows=[code for code in rated if f"'{code}'" in sql]),
        "exceptions": {"raise_compiler_error": refuse},
    }
    return environment.from_string(template).render(names).strip()


def test_the_reporting_currency_becomes_a_literal_or_is_refused() -> None:
    assert reporting_currency("USD") == "'USD'"
    for wrong in ("usd", "EURO", "E'R", "EUR\n", ""):
        with pytest.raises(Refused, match="reporting_currency"):
            reporting_currency(wrong)


def test_a_reporting_currency_without_a_rate_ends_the_build_with_one_line() -> None:
    check = "refuse_unrated_currency('fx_rates')"
    assert reporting_currency("USD", check, rated=("EUR", "USD")) == ""
    with pytest.raises(Refused, match="'ZZZ', for which the seed fx_rates has no rate") as refusal:
        reporting_currency("ZZZ", check, rated=("EUR", "USD"))
    assert "\n" not in str(refusal.value)
    assert check.partition("(")[0] in (PROJECT / "models/intermediate/int_fx_rates__crossed.sql").read_text()


def refuse_mixed_target(name: str, project: str, env: dict[str, str]) -> None:
    def refuse(message: str) -> None:
        raise Refused(message)

    template = (PROJECT / "macros/refuse_mixed_target.sql").read_text() + "{{ refuse_mixed_target() }}"
    jinja2.Environment(autoescape=True, extensions=["jinja2.ext.do"]).from_string(template).render(
        target={"name": name, "project": project},
        env_var=lambda variable, default: env.get(variable, default),
        exceptions={"raise_compiler_error": refuse},
    )


PRODUCTION = {"BIGQUERY_PROJECT": "acme-payments", "STAGING_LOCATION": "gs://acme/staging"}
WITH_A_DEFAULT = re.compile(r"env_var\('(\w+)', ([^)]+)\)")
OF_THE_PLAN = "PAYMENTS_BUILD_MAX_BYTES_BILLED"
"""It is held against the meter elsewhere."""


@pytest.mark.parametrize("env", [{}, PRODUCTION], ids=["local", "production"])
def test_what_dbt_takes_by_itself_is_what_the_platform_would_tell_it(env: dict[str, str]) -> None:
    told = child_environment(read_stack_settings(env), env)
    target = told["DBT_TARGET"]
    profile = yaml.safe_load((PROJECT / "profiles.yml").read_text())["payments"]["outputs"][target]
    texts = [*map(str, profile.values()), (PROJECT / "macros/open_since.sql").read_text()]
    defaults = {found[1]: found[2] for text in texts for found in WITH_A_DEFAULT.finditer(text)}
    assert defaults.keys() >= {"BIGQUERY_DATASET", "PAYMENTS_CHECK_ROWS_MINUTES"}
    for name in defaults.keys() - {OF_THE_PLAN}:
        default = jinja2.Environment(autoescape=True).compile_expression(defaults[name])
        assert default(target=SimpleNamespace(name=target)) == told[name], name


def test_the_bill_counts_a_look_at_rows_as_often_as_bigquery_is_looked_at() -> None:
    assert Schedule().check_rows_minutes == read_stack_settings(PRODUCTION).check_rows_minutes


ENDPOINT = {"BIGQUERY_EMULATOR_HOST": "http://127.0.0.1:9050"}


def test_targets_that_are_not_mixed_are_accepted() -> None:
    refuse_mixed_target("local", "payments-local", ENDPOINT)
    refuse_mixed_target("production", "acme-payments", {})


@pytest.mark.parametrize(
    ("name", "project", "env"), [("local", "acme-payments", {}), ("production", "acme-payments", ENDPOINT)]
)
def test_a_mixed_target_is_refused_in_one_line(name: str, project: str, env: dict[str, str]) -> None:
    with pytest.raises(Refused, match=r"DBT_TARGET.*unset .*\.") as refused:
        refuse_mixed_target(name, project, env)
    assert "\n" not in str(refused.value)


def test_every_build_begins_with_that_refusal() -> None:
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())
    assert project["on-run-start"][0] == "{{ refuse_mixed_target() }}"


def test_a_view_that_checks_ask_by_its_text_names_all_that_it_reads() -> None:
    """dbt wants to know a statement's models before it is made: one that the list misses is an error at the check."""
    macro = (PROJECT / "macros/open_rows.sql").read_text().partition("{% macro views_to_open() -%}")[2]
    listed = ast.literal_eval(macro.partition("return(")[2].partition(")")[0])
    texts = {model.stem: model.read_text() for model in MODELS}
    missing = {name: set(re.findall(r"ref\('(\w+)'\)", texts[name])) - set(below) for name, below in listed.items()}
    assert {name: models for name, models in missing.items() if models} == {}
