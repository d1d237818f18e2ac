import base64
import hashlib
import json
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from orchestration.dashboard.model import Snapshot, stamp
from orchestration.dashboard.rendering import FOLDER, SERVED_POLICY, duration, one_file, served
from tests.unit.orchestration.dashboard.sample import NOW, bins, rows, snapshot, without_warehouse

VENDORED = {
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "uPlot.LICENSE": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}
"""SHA-256 of uPlot 1.6.32, as its authors published it."""

VOID = {"meta", "link"}


class Tags(HTMLParser):
    """Every tag with its attributes; an error where one is closed that is not open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.found if name == tag]


def page(known: Snapshot | None = None) -> str:
    return served(known or snapshot(), NOW, 15)


def test_the_served_page_is_whole_and_runs_no_script_of_its_own() -> None:
    tags = Tags(page())
    assert tags.open == []
    assert all(script.get("src", "").startswith("static/") for script in tags.of("script"))
    assert tags.of("style") == []
    assert not [name for _, attributes in tags.found for name in attributes if name.startswith("on") or name == "style"]
    assert "unsafe" not in SERVED_POLICY
    assert "http" not in SERVED_POLICY


def test_nothing_is_asked_of_another_host() -> None:
    for html in (page(), one_file(snapshot(), NOW)):
        links = [a.get("src") or a.get("href") or "" for _, a in Tags(html).found]
        assert not [link for link in links if re.match(r"(https?:)?//", link)]


FIRST_ANSWER_BYTES = 80_000
"""The page of a full day, as it is sent: far below a second even at a slow network's 10 Mbit/s."""
STYLES_BYTES = 16_000


def a_full_day() -> Snapshot:
    """96 quarters of an hour, a dozen batches, twenty reasons."""
    [newest] = bins()[-1:]
    day = [newest | {"bin": NOW - timedelta(minutes=15 * at)} for at in reversed(range(96))]
    [batch], [reason] = rows()["batches"], rows()["quarantine"]
    return snapshot(bins=day, batches=[batch] * 12, quarantine=[reason] * 20)


def test_the_first_paint_waits_for_the_page_and_its_own_two_styles_alone() -> None:
    html = page(a_full_day())
    tags = Tags(html)
    assert all("defer" in script for script in tags.of("script")), "no script holds the paint up"
    waited_for = [a["href"] for a in tags.of("link") if a.get("rel") == "stylesheet"]
    assert waited_for == ["static/vendor/uPlot.min.css", "static/page.css"]
    assert "@import" not in "".join((FOLDER / file.removeprefix("static/")).read_text() for file in waited_for)
    assert "@font-face" not in (FOLDER / "page.css").read_text(), "no text waits for a font"
    assert sum((FOLDER / file.removeprefix("static/")).stat().st_size for file in waited_for) < STYLES_BYTES
    assert not [tag for tag in ("img", "iframe", "object", "video") if tags.of(tag)]


def test_the_first_answer_is_small_however_much_was_published() -> None:
    assert len(page(a_full_day()).encode()) < FIRST_ANSWER_BYTES


def test_the_lines_and_all_words_are_there_before_any_script() -> None:
    html = page(a_full_day())
    assert html.count('class="line"') == 8, "each metric of which the sample knows a day"
    assert "Yes: every payment is counted once" in html


def test_the_one_file_needs_nothing_and_its_policy_names_its_script_and_style() -> None:
    html = one_file(snapshot(), NOW)
    tags = Tags(html)
    assert [a for a in tags.of("script") if "src" in a] == []
    assert [a["href"] for a in tags.of("link")] == ["data:,"]
    [policy] = [a["content"] for a in tags.of("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    for tag in ("script", "style"):
        [inside] = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_ids_are_unique_and_what_labels_is_there() -> None:
    tags = Tags(page())
    ids = [a["id"] for _, a in tags.found if "id" in a]
    assert len(set(ids)) == len(ids)
    assert {a["aria-labelledby"] for _, a in tags.found if "aria-labelledby" in a} <= set(ids)


def test_the_sentence_and_each_status_stand_on_the_page_in_words() -> None:
    html = page()
    assert "Yes: every payment is counted once, up to offset 4,100 of partition 0" in html
    assert html.count('<article class="card') == len(rows()["health"])
    assert "<title>YES: exactly-once payments</title>" in html


def test_what_a_part_says_is_text_and_never_markup() -> None:
    health = [rows()["health"][0] | {"detail": '<script>alert("x")</script>'}]
    html = page(snapshot(health=health))
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


def test_the_data_of_a_chart_is_whole_json_in_an_attribute() -> None:
    charts = [json.loads(a["data-chart"]) for a in Tags(page()).of("div") if "data-chart" in a]
    assert [len(chart["values"]) for chart in charts] == [1, 5, 1]
    assert all(len(chart["x"]) == len(values) for chart in charts for values in chart["values"])


def test_it_says_what_is_down_and_how_old_the_rest_is() -> None:
    html = served(without_warehouse(snapshot()), NOW + timedelta(hours=3), 15)
    assert "Not known now: the warehouse does not answer." in html
    assert "2026-01-05 12:07 UTC, 3 h ago: nothing newer is known" in html


def test_a_page_of_nothing_is_a_page() -> None:
    html = page(Snapshot(stamp(NOW)))
    assert "Not known yet: warehouse and broker are being asked." in html
    assert "None." not in html
    assert Tags(html).open == []


@pytest.mark.parametrize("name", VENDORED)
def test_the_chart_library_is_as_its_authors_published_it(name: str) -> None:
    assert hashlib.sha256((FOLDER / "vendor" / name).read_bytes()).hexdigest() == VENDORED[name]


def test_every_vendored_file_is_held_to_that() -> None:
    assert {path.name for path in (FOLDER / "vendor").iterdir()} == set(VENDORED)


def test_the_files_of_the_page_are_part_of_the_package() -> None:
    assert Path(FOLDER).is_relative_to(Path(__file__).parents[4] / "orchestration")
    assert (FOLDER / "page.html.j2").is_file()


def test_a_time_is_told_in_the_unit_that_says_it_best() -> None:
    assert [duration(s) for s in (0, 119, 120, 7199, 7200, 172_800)] == [
        "0 s",
        "119 s",
        "2 min",
        "119 min",
        "2 h",
        "2 d",
    ]
