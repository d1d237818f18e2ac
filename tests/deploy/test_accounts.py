"""The chart's parts and Terraform's accounts: each part has one that was made, which may do what the part does."""

import re
from typing import Any

import pytest

from spark_jobs.tables.columns import Layer
from tests.deploy.rendered import objects
from tests.deploy.test_rendered import NAMES, policies
from tests.terraform_files import TERRAFORM, grants, parsed, permissions_of

KAFKA_PORT = 9092
CONNECTS = "managedkafka.clusters.connect"


def made_by_terraform() -> set[str]:
    [accounts] = [
        each["this"] for block in resources() for kind, each in block.items() if kind == "google_service_account"
    ]
    assert accounts["account_id"] == "payments-${each.key}"
    return set(re.findall(r'"(\w+)"', accounts["for_each"]))


def resources() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = parsed(TERRAFORM / "identities.tf")["resource"]
    return found


def accounts_of(name: str) -> dict[str, str]:
    """By part, whose account at Google it has."""
    found = {}
    for each in objects(name):
        if each["kind"] == "ServiceAccount" and "annotations" in each["metadata"]:
            address = each["metadata"]["annotations"]["iam.gke.io/gcp-service-account"]
            found[each["metadata"]["labels"]["app.kubernetes.io/component"]] = re.match(r"payments-(\w+)@", address)[1]  # type: ignore[index]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_account_that_the_example_names_is_one_that_terraform_makes(name: str) -> None:
    accounts = accounts_of(name)
    assert accounts.keys() == {"processor", "code-location", "dashboard"}
    assert set(accounts.values()) <= made_by_terraform()


@pytest.mark.parametrize("name", NAMES)
def test_whoever_may_reach_the_brokers_may_log_in_to_managed_kafka(name: str) -> None:
    accounts = accounts_of(name)
    reaches = {
        policy.removeprefix("payments-")
        for policy, spec in policies(name).items()
        for rule in spec.get("egress", [])
        if {"protocol": "TCP", "port": KAFKA_PORT} in rule["ports"]
    } - {"executor"}
    assert reaches == accounts.keys()
    for part in reaches:
        assert CONNECTS in permissions_of(accounts[part]), part


def test_who_stages_files_may_write_to_that_bucket_and_no_other_program_does() -> None:
    stages = {grant["who"] for grant in grants().values() if grant["on"] == "staging"}
    assert stages == {"stream", "dbt", "operators"}, "batches, a backfill of the code location, certify"


def test_the_datasets_that_the_programs_write_are_made_by_terraform_and_theirs() -> None:
    tree = parsed(TERRAFORM / "datasets.tf")
    made = {
        name: body["dataset_id"]
        for block in tree["resource"]
        for name, body in block["google_bigquery_dataset"].items()
    }
    # The back-test of the code location adds this ending to the name.
    assert made == {"layer": "${each.value.dataset}", "backtest": "${var.dataset}_backtest"}
    [layers] = [block["layers"] for block in tree["locals"]]
    assert layers.keys() == set(Layer)
    assert {grant["on"] for grant in grants().values()} >= set(Layer)
    assert {grant["who"] for grant in grants().values() if grant["on"] == "backtest"} == {"dbt"}
