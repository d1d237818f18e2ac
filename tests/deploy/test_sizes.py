"""The sizes of a processor's pod, held against the model of docs/scaling.md and the settings of its rate.

Belongs here: disk, time and plan by rate. Does not belong here: the form of the objects (test_rendered).
"""

import json
import re
from typing import Any

import pytest

from benchmarks.harness.figures import KEPT
from benchmarks.measurements.model import WINDOW_SECONDS, needs
from orchestration.settings import read_stack_settings
from spark_jobs.settings import JobSettings
from tests.architecture.sources import ROOT
from tests.deploy.rendered import containers, objects, pods

RATES = {"small": 1_000, "10k": 10_000, "100k": 100_000, "executors": 100_000}
"""Payments a second that each set of values is for."""
ROOM = 1.25
UNITS = {"Mi": 1 << 20, "Gi": 1 << 30}


def size(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(\w+)", text).groups()  # type: ignore[union-attr]
    return int(number) * UNITS[unit]


def folders(name: str) -> dict[str, int]:
    """The most bytes of each folder of the processor's."""
    volumes = pods(name)["processor"]["spec"]["volumes"]
    return {volume["name"]: size(volume["emptyDir"]["sizeLimit"]) for volume in volumes if "emptyDir" in volume}


def job(name: str) -> JobSettings:
    [settings] = [each["data"] for each in objects(name) if each["metadata"]["name"] == "payments-settings"]
    return read_stack_settings(settings).job


def processor(name: str) -> dict[str, Any]:
    [found] = [each for label, each in containers(name) if label == "processor/processor"]
    return found


@pytest.mark.parametrize("name", sorted(RATES.keys() - {"executors"}))
def test_state_and_look_back_fit_into_the_folder_of_checkpoints(name: str) -> None:
    assert job(name).checkpoint_location.startswith("file:")
    figures = json.loads(KEPT.read_text())
    model = needs(RATES[name], figures["drain_cpu_seconds_per_million"], figures["state_bytes_per_key"])
    assert folders(name)["checkpoints"] >= ROOM * 1e9 * (model.state_gigabytes + model.lookback_gigabytes)


@pytest.mark.parametrize("name", RATES)
def test_copies_of_the_state_leave_room_in_the_folder_for_temporary_files(name: str) -> None:
    assert folders(name)["scratch"] >= (job(name).segment_copies_mb << 20) + UNITS["Gi"]


@pytest.mark.parametrize("name", RATES)
def test_full_folders_are_no_more_than_the_pod_may_have(name: str) -> None:
    limits = processor(name)["resources"]["limits"]
    assert sum(folders(name).values()) <= size(limits["ephemeral-storage"]), "it would be evicted"


@pytest.mark.parametrize("name", RATES)
def test_a_processor_is_not_killed_while_it_rebuilds_its_state(name: str) -> None:
    page = (ROOT / "docs" / "reliability.md").read_text()
    [rebuilding] = re.findall(r"<!-- table: rebuilding -->(.*?)<!-- /table -->", page, re.DOTALL)
    rows = re.findall(r"^\| ([\d,]+) \| ([\d.]+) \|", rebuilding, re.MULTILINE)
    seconds_an_id = max(
        float(seconds) / int(ids.replace(",", "")) for ids, seconds in rows if len(ids) > len("1,000,000")
    )
    *_, silence = processor(name)["livenessProbe"]["exec"]["command"]
    assert float(silence) >= 2 * RATES[name] * WINDOW_SECONDS * seconds_an_id


@pytest.mark.parametrize("name", RATES)
def test_statements_are_limited_for_at_least_the_rate_that_is_planned(name: str) -> None:
    assert job(name).planned_per_second >= RATES[name]
