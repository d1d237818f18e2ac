"""Pages in a headless Chromium: how one is driven, and what axe says of it.

Belongs here: the browser and its checks. Does not belong here: what a page has to say (the tests).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

BROWSER, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
)
AXE = Path(__file__).parents[1] / "vendor" / "axe.min.js"

needs_browser = pytest.mark.skipif(
    not (BROWSER.exists() and DRIVER.exists()) and os.environ.get("CI") != "true",
    reason="Debian's chromium and chromium-driver are not installed",
)

_RUN_AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"]}).then((found) => done(found.violations), (e) => done(String(e)));
"""


@contextmanager
def chromium(profile: Path, size: str = "2400,1600") -> Iterator[webdriver.Chrome]:
    """A browser with a profile of its own, which keeps what pages log."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    for flag in (*FLAGS, f"--window-size={size}", f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with webdriver.Chrome(options=options, service=Service(str(DRIVER))) as chrome:
        yield chrome


def violations(browser: webdriver.Chrome) -> list[str]:
    """What axe finds against the page as it stands, each with where."""
    # The page's own policy lets no foreign script in; the driver's is not the page's.
    browser.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
    found: Any = browser.execute_async_script(_RUN_AXE)
    assert isinstance(found, list), found
    return [f"{each['id']}: {node['target']}: {node['failureSummary']}" for each in found for node in each["nodes"]]


def emulate(browser: webdriver.Chrome, *, scheme: str = "light", width: int = 1280, height: int = 900) -> None:
    """A reader's screen and choice of colours."""
    is_phone = width < 600
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )


def first_paint_milliseconds(browser: webdriver.Chrome) -> float:
    """From the navigation's start to the first content on the screen, as the browser measured it."""
    script = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1"
    return float(browser.execute_script(script))


def logged(browser: webdriver.Chrome) -> list[str]:
    """Errors and warnings of the page."""
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]  # type: ignore[no-untyped-call]
