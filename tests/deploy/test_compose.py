"""The compose file: it fits the schema, its variables are settings, and it says no more than the chart does."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.automation.outside import is_outside
from orchestration.platform.parts import PARTS
from orchestration.settings import read_stack_settings
from tests.architecture.sources import ROOT
from tests.architecture.test_schema_drift import exemplified
from tests.deploy.rendered import objects
from tests.deploy.test_rendered import NOT_OURS

COMPOSE = ROOT / "deploy" / "compose"
OURS = ("processor", "code-location", "daemon", "webserver", "dashboard", "simulator")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text())
    return document


def test_it_fits_the_schema_of_compose_files() -> None:
    command = [str(Path(sys.executable).with_name("check-jsonschema")), "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, str(COMPOSE / "compose.yaml")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_part_of_ours_is_one_of_the_image_and_may_write_nothing_of_it(compose: dict[str, Any]) -> None:
    for name in OURS:
        service = compose["services"][name]
        assert service["command"][0] == name in PARTS
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_every_variable_is_a_setting_that_is_read_and_valid(compose: dict[str, Any], tmp_path: Path) -> None:
    for name in OURS:
        environment = compose["services"][name]["environment"]
        assert environment.keys() <= exemplified().keys() | NOT_OURS, name
        settings = read_stack_settings({"PAYMENTS_HOME": str(tmp_path), **environment})
        assert is_outside(environment)
        assert settings.job.emulator_host == "http://127.0.0.1:9050"
        assert settings.job.turn == "lease"


def test_the_warehouse_and_whatever_else_asks_for_no_login_is_reached_from_inside_alone(
    compose: dict[str, Any],
) -> None:
    services = compose["services"]
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"network": ["127.0.0.1:3000:3000", "127.0.0.1:3080:3080"]}
    assert {service["network_mode"] for name, service in services.items() if name != "network"} == {"service:network"}


def test_after_the_machine_has_started_anew_all_that_goes_on_is_there_again(compose: dict[str, Any]) -> None:
    services = compose["services"]
    ends = {name for name, service in services.items() if service.get("restart") != "unless-stopped"}
    assert ends == {"topic"}, "the others share the network of a container, which must come back as they do"


def test_the_topic_outlives_its_container(compose: dict[str, Any]) -> None:
    kafka = compose["services"]["kafka"]
    assert f"kafka:{kafka['environment']['KAFKA_LOG_DIRS']}" in kafka["volumes"]


def test_no_secret_is_written_down(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for variable, value in (service.get("environment") or {}).items():
            if "PASSWORD" in variable:
                assert re.match(r"\$\{\w+:\?", value), name


def test_dagster_is_configured_as_in_the_chart() -> None:
    [chart] = [each["data"] for each in objects("small") if each["metadata"]["name"] == "payments-dagster"]
    assert yaml.safe_load((COMPOSE / "dagster.yaml").read_text()) == yaml.safe_load(
        chart["dagster.yaml"].replace("postgres.example.com", "127.0.0.1")
    )
    assert yaml.safe_load((COMPOSE / "workspace.yaml").read_text()) == yaml.safe_load(
        chart["workspace.yaml"].replace("payments-code-location", "127.0.0.1")
    )
