"""The Dagster UI as a person sees it, in a real browser, after payments have flowed."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import dagster as dg
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from orchestration import names
from orchestration.automation.dbt_rebuild import newest_batch
from orchestration.platform.dagster_home import open_instance
from orchestration.platform.stack import Stack
from tests.integration.command import Command, platform, wait_for

BROWSER, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=2400,1600"),
)

pytestmark = [
    pytest.mark.integration,
    pytest.mark.browser,
    pytest.mark.skipif(
        not (BROWSER.exists() and DRIVER.exists()) and os.environ.get("CI") != "true",
        reason="Debian's chromium and chromium-driver are not installed",
    ),
]

ASKED_EVERY = 3.0
"""Seconds between two questions about every check: to answer keeps the processes busy that are waited for."""
LOOKED_AT_NIGHT = (names.RETURNS_JOB, names.SEAL_JOB)
"""On the first day once after the first build."""
_RUNS = "{ runsOrError { ... on Runs { results { jobName status } } } }"
AT_NIGHT = [list(key.path) for key in (names.RETURNS, names.DAY_SEALS)]
"""What is looked at once a night, and was never looked at yet."""
_CHECKS = """
{ assetNodes { assetKey { path } assetChecksOrError { ... on AssetChecks { checks {
    name executionForLatestMaterialization { status } } } } } }
"""


@pytest.fixture(scope="module")
def under_traffic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """The whole platform under steady traffic, which its own sensors publish and build."""
    settings = {"PAYMENTS_SHIFT_IDLE_SECONDS": "0", "PAYMENTS_BUILD_INTERVAL_SECONDS": "1"}
    with platform(tmp_path_factory.mktemp("browser"), **settings) as command:
        command.succeed("up", "--rate", "20")
        wait_for("a run of the backlog sensor", lambda: run_statuses(command, names.PROCESS_JOB))
        yield command


@pytest.fixture(scope="module")
def payments(under_traffic: Command) -> Command:
    """The same once the traffic has stopped, and all of it is built."""
    Stack(under_traffic.settings).traffic.stop()
    wait_for("a build with every check passed", lambda: is_settled(under_traffic), seconds=400, every=ASKED_EVERY)
    return under_traffic


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    with webdriver.Chrome(options=options, service=Service(str(DRIVER))) as chrome:
        yield chrome
        chrome.save_screenshot(str(tmp_path / "last.png"))


def ask(payments: Command, query: str) -> dict[str, Any]:
    """Dagster's answer to a GraphQL query."""
    request = Request(  # noqa: S310
        f"{payments.settings.dagster_url}/graphql",
        data=json.dumps({"query": query}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with build_opener(ProxyHandler({})).open(request, timeout=60) as answer:
        data: dict[str, Any] = json.load(answer)["data"]
    return data


def run_statuses(payments: Command, job_name: str) -> set[str]:
    runs = ask(payments, _RUNS)["runsOrError"]["results"]
    return {run["status"] for run in runs if run["jobName"] == job_name}


def is_settled(payments: Command) -> bool:
    """Whether all runs have succeeded, and so has every check, each of the newest state of its asset."""
    runs = run_statuses(payments, names.PROCESS_JOB), run_statuses(payments, names.BUILD_JOB)
    assert not any("FAILURE" in statuses for statuses in runs)
    checks = [
        check["executionForLatestMaterialization"]
        for asset in ask(payments, _CHECKS)["assetNodes"]
        if asset["assetKey"]["path"] not in AT_NIGHT
        for check in asset["assetChecksOrError"].get("checks", [])
    ]
    return runs == ({"SUCCESS"}, {"SUCCESS"}) and all(check and check["status"] == "SUCCEEDED" for check in checks)


def unevaluated(payments: Command) -> list[str]:
    """The checks of which the UI says so, be it that nobody has made them since their asset was made."""
    return [
        f"{asset['assetKey']['path'][-1]}: {check['name']}"
        for asset in ask(payments, _CHECKS)["assetNodes"]
        for check in asset["assetChecksOrError"].get("checks", [])
        if not check["executionForLatestMaterialization"]
    ]


def read(browser: webdriver.Chrome, *patterns: str) -> str:
    """The page's text, once it holds all of the patterns."""

    def look() -> str | None:
        text = browser.find_element(By.TAG_NAME, "body").text
        return text if all(re.search(pattern, text) for pattern in patterns) else None

    return wait_for(f"{patterns} at {browser.current_url}", look, seconds=90)


def visit(browser: webdriver.Chrome, payments: Command, path: str) -> None:
    browser.get(payments.settings.dagster_url + path)


def test_under_steady_traffic_no_check_of_any_asset_is_not_evaluated(under_traffic: Command) -> None:
    wait_for("a first look at everything", lambda: is_looked_at(under_traffic), seconds=600, every=ASKED_EVERY)
    with open_instance(under_traffic.settings) as instance:
        green = dg.RunsFilter(job_name=names.BUILD_JOB, statuses=[dg.DagsterRunStatus.SUCCESS])

        def is_a_batch_ahead() -> bool:
            [build] = instance.get_runs(green, limit=1)
            return newest_batch(instance) > int(build.tags[names.BUILT_BATCH_TAG])

        wait_for("one more batch than is built", is_a_batch_ahead)
        # An asset is made a moment before its checks: what is seen twice is no such moment.
        found = set(unevaluated(under_traffic)) & set(unevaluated(under_traffic))
    assert found == set()


def is_looked_at(payments: Command) -> bool:
    """By a build, by the first night, and by the watch."""
    jobs = (names.BUILD_JOB, *LOOKED_AT_NIGHT)
    return all("SUCCESS" in run_statuses(payments, job) for job in jobs) and not unevaluated(payments)


def test_the_graph_goes_from_kafka_to_every_kind_of_mart(payments: Command, browser: webdriver.Chrome) -> None:
    visit(browser, payments, "/asset-groups")
    groups = ("kafka", "streaming", "staging", "intermediate", "fraud", "metrics", "audit", "reconciliation", "health")
    read(browser, *(rf"\n{group}\n[1-9]\d*\n" for group in groups))


def test_a_group_shows_that_the_checks_of_its_assets_are_green(payments: Command, browser: webdriver.Chrome) -> None:
    # Groups of models read so many others that they are drawn too small for words: their assets' own pages are below.
    visit(browser, payments, "/locations/payments/asset-groups/kafka/lineage")
    text = read(browser, r"kafka_offsets\n(?:.*\n)*?Asset checks\n(\d+) / \1 Passed")
    assert "Failed" not in text
    assert "Not Evaluated" not in text


@pytest.mark.parametrize("asset", ["stg_payments__deliveries", "payment_transactions_fraud", "reconciliation_daily"])
def test_the_checks_of_an_asset_are_green(payments: Command, browser: webdriver.Chrome, asset: str) -> None:
    visit(browser, payments, f"/assets/{names.PREFIX}/{asset}?view=checks")
    text = read(browser, r"Checks \([1-9]\d*\)", "Evaluation result\nPassed")
    count = re.search(r"Checks \((\d+)\)", text)
    assert count
    # The list comes before what became of each.
    read(browser, rf"(?s)(\nSucceeded\n.*){{{count[1]}}}")


def test_the_numbers_of_every_batch_are_plotted(payments: Command, browser: webdriver.Chrome) -> None:
    visit(browser, payments, f"/assets/{names.PREFIX}/payment_deliveries")
    read(browser, "Latest materialization")
    wait_for("plots", lambda: browser.find_elements(By.XPATH, "//button[.='Plots']"), seconds=60)[0].click()
    read(browser, "delivered", "events_per_second", "state_bytes", "latency_p95_seconds")
    assert len(browser.find_elements(By.TAG_NAME, "canvas")) >= 4


def test_down_stops_the_ui_its_sensors_and_the_traffic(payments: Command) -> None:
    payments.succeed("up", "--rate", "1")
    lines = " ".join(payments.processes().values())
    assert all(part in lines for part in ("dagster_webserver", "dagster._daemon", "simulate --rate 1"))
    payments.succeed("down")
    assert payments.processes() == {}
