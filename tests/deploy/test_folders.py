"""What a part writes below PAYMENTS_HOME has a place to be written to: the root of each pod and container is read-only.

Belongs here: which part writes which folder, and that it may. Does not belong here: how large a folder is (test_sizes).
"""

import re
from typing import Any

import pytest
import yaml

from tests.architecture.sources import ROOT
from tests.deploy.rendered import containers
from tests.deploy.test_rendered import NAMES

HOME = "/opt/payments/home"
WRITTEN = {
    "code-location": {"run", "logs", "dagster", "notifications", "dbt-backtest"},
    "dashboard": {"dashboard", "logs"},
    "processor": {"checkpoints", "staging"},
}
"""By part."""
ONLY_READ = {"jars", "java", "warehouse-env"}
ELSEWHERE = {"dbt", "dbt-nightly", "dagster.yaml"}
"""Below Dagster's own home."""
ON_ONE_MACHINE = {"delta", "manifests"}
"""Delta's folder by default, and what `payments simulate` writes."""


def test_of_every_folder_that_the_code_names_it_is_known_who_writes_it() -> None:
    files = [
        file for package in ("orchestration", "spark_jobs", "simulator") for file in (ROOT / package).rglob("*.py")
    ]
    named = {name for file in files for name in re.findall(r'home / "([^"]+)"', file.read_text())}
    assert len(named) > 8
    assert named <= ONLY_READ | ELSEWHERE | ON_ONE_MACHINE | set().union(*WRITTEN.values())


@pytest.mark.parametrize("name", NAMES)
def test_each_part_of_the_chart_may_write_what_it_writes(name: str) -> None:
    for label, container in containers(name):
        component, _, own = label.partition("/")
        if own != component:
            continue
        mounts = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
        assert {f"{HOME}/{folder}" for folder in WRITTEN.get(component, ())} <= mounts, label


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose" / "compose.yaml").read_text())["services"]
    return found


@pytest.mark.parametrize("part", WRITTEN)
def test_each_part_of_the_compose_file_may_write_what_it_writes(services: dict[str, Any], part: str) -> None:
    volumes = services[part]["volumes"]
    targets = {each["target"] if isinstance(each, dict) else each.split(":")[1] for each in volumes}
    assert {f"{HOME}/{folder}" for folder in WRITTEN[part]} <= targets


def test_the_parts_that_stage_files_share_the_folder_with_the_warehouse_that_loads_them(
    services: dict[str, Any],
) -> None:
    for part in ("processor", "code-location", "warehouse"):
        assert "staging" in {
            each.get("source") if isinstance(each, dict) else each.split(":")[0] for each in services[part]["volumes"]
        }, part


def test_a_folder_that_something_is_mounted_on_is_anybodys_in_the_image() -> None:
    text = (ROOT / "deploy" / "image" / "Containerfile").read_text()
    [made] = re.findall(r"install --directory --mode 1777 ((?:.*\\\n)*.*)", text)
    assert set().union(*WRITTEN.values()) <= set(re.findall(rf"{HOME}/([\w-]+)", made))
