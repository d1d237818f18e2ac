"""The chart by helm: it has no findings, and the committed copies are what it comes to."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.built_tools import find
from tests.deploy.rendered import CHART, RENDERED, VALUES, render


@pytest.fixture(scope="module")
def helm() -> Path:
    found = find("helm")
    if not found:
        pytest.skip("helm is not found: install it, or run `make chart-tools` where Go is")
    return found


def test_helm_finds_nothing_wrong(helm: Path) -> None:
    command = [str(helm), "lint", "--strict", str(CHART), "--values", str(CHART / "values-example.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", sorted(VALUES))
def test_the_committed_copy_is_what_the_chart_comes_to(helm: Path, name: str) -> None:
    assert (RENDERED / f"{name}.yaml").read_text() == render(helm, name), "run `make chart`"


ADDRESSES = [f"network.{whom}.cidrs" for whom in ("kafka", "postgres", "https", "metadata")]


@pytest.mark.parametrize(
    "missing", ["image.digest", "postgres.secret", "proxy.secret", "proxy.arguments", "dashboard.host", *ADDRESSES]
)
def test_what_has_no_default_is_asked_for_by_name(helm: Path, missing: str) -> None:
    assert_it_is_asked_for(helm, missing)


def test_the_api_servers_address_is_asked_for_where_spark_makes_executors(helm: Path) -> None:
    assert_it_is_asked_for(helm, "network.apiServer.cidrs", "--values", str(CHART / "values-executors.yaml"))


def assert_it_is_asked_for(helm: Path, missing: str, *more: str) -> None:
    empty = "[]" if missing.endswith(("cidrs", "arguments")) else '""'
    command = [str(helm), "template", "payments", str(CHART), "--kube-version", "1.34.0"]
    command += ["--values", str(CHART / "values-example.yaml"), *more, f"--set-json={missing}={empty}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert missing in done.stderr


def test_ids_are_shown_to_nobody_unless_the_values_name_somebody(helm: Path) -> None:
    command = [str(helm), "template", "payments", str(CHART), "--kube-version", "1.34.0"]
    command += ["--values", str(CHART / "values-example.yaml")]
    named = [*command, '--set-json=dashboard.idReaders=["anna@example.com","investigators"]']
    by_default, asked = (subprocess.run(c, capture_output=True, text=True, check=True).stdout for c in (command, named))
    assert "PAYMENTS_DASHBOARD_ID_READERS" not in by_default
    assert 'value: "anna@example.com,investigators"' in asked


def test_a_mapping_is_a_file_of_the_parts_that_read_records(helm: Path) -> None:
    command = [str(helm), "template", "payments", str(CHART), "--kube-version", "1.34.0"]
    command += ["--values", str(CHART / "values-example.yaml"), '--set-json=mapping="[rules]\\n"']
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = [each for each in yaml.safe_load_all(done.stdout) if each]
    [kept] = [each["data"] for each in found if each["metadata"]["name"] == "payments-mapping"]
    assert kept == {"events.toml": "[rules]\n"}
    readers = {each["metadata"]["name"] for each in found if "PAYMENTS_EVENT_MAPPING" in str(each)}
    assert readers == {"payments-processor", "payments-code-location"}
    assert readers == {each["metadata"]["name"] for each in found if "/etc/payments/mapping'" in str(each)}


def test_what_else_may_be_reached_names_addresses_and_ports(helm: Path) -> None:
    for missing in ("cidrs", "ports"):
        more = {"cidrs": ["10.0.0.1/32"], "ports": [1]} | {missing: []}
        command = [str(helm), "template", "payments", str(CHART), "--kube-version", "1.34.0"]
        command += ["--values", str(CHART / "values-example.yaml"), f"--set-json=network.others={json.dumps([more])}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode != 0
        assert f"network.others[].{missing}" in done.stderr
