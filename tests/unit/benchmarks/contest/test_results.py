"""What the contest's numbers become: medians, a table, a file for programs, a picture."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.contest import results
from benchmarks.contest.results import Outcome

OURS = Outcome(
    name="payments",
    title="ours",
    lacks="nothing",
    events_per_second=60_000.0,
    cpu_seconds_per_million=30.0,
    broker_cpu_seconds_per_million=2.0,
    cold_start_seconds=20.0,
    cold_cpu_seconds=30.0,
    peak_memory_bytes=2**30,
    state_bytes_per_key=12.0,
    disk_bytes_per_key=20.0,
    exact=True,
)
PEER = replace(OURS, name="peer", title="a peer", lacks="the proof", events_per_second=20_000.0)


def test_the_median_is_taken_number_by_number() -> None:
    slow = replace(OURS, events_per_second=10_000.0, cpu_seconds_per_million=90.0)
    middling = replace(OURS, events_per_second=40_000.0, cpu_seconds_per_million=10.0)
    together = results.median([slow, OURS, middling])
    assert (together.events_per_second, together.cpu_seconds_per_million) == (40_000.0, 30.0)


def test_one_wrong_result_is_enough_not_to_be_exact() -> None:
    assert not results.median([OURS, replace(OURS, exact=False), OURS]).exact


def test_a_state_that_is_not_on_disk_stays_unmeasured() -> None:
    assert results.median([replace(PEER, state_bytes_per_key=None)]).state_bytes_per_key is None


def test_the_table_says_how_many_times_as_fast_ours_is_and_what_a_peer_lacks() -> None:
    shown = results.outcomes_table([OURS, PEER], ["quix has no environment"], 1000, 2, 100)
    assert "| a peer | 20,000 | 3.00 |" in shown
    assert "| a peer | the proof |" in shown
    assert "Left out: quix has no environment" in shown


def test_a_wrong_result_stands_out() -> None:
    assert "**no**" in results.outcomes_table([OURS, replace(PEER, exact=False)], [], 1000, 1, 100)


def test_everything_is_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LATEST", "PAGE", "PLOT"):
        monkeypatch.setattr(results, name, tmp_path / name.lower())
    results.PAGE.write_text("<!-- table: peers -->\nstale words\n<!-- /table -->\n")
    results.keep([replace(OURS, p95_latency_seconds=2.5), PEER], [], 1000, 1, 100)
    latest = json.loads(results.LATEST.read_text())
    wanted = {
        "name",
        "events_per_second",
        "cpu_seconds_per_million",
        "p95_latency_seconds",
        "state_bytes_per_key",
        "exact",
    }
    assert [one["name"] for one in latest] == ["payments", "peer"]
    assert all(wanted <= one.keys() for one in latest)
    assert [one["p95_latency_seconds"] for one in latest] == [2.5, None]
    assert "stale words" not in results.PAGE.read_text()
    assert results.PLOT.read_text().startswith("<?xml")


def test_what_became_of_a_kill_stands_in_the_table() -> None:
    exact = replace(OURS, recovery_seconds=12.34, exact_after_kill=True, after_kill="exact")
    twice = replace(PEER, recovery_seconds=50.0, exact_after_kill=False, after_kill="7 rows too many")
    shown = results.outcomes_table([exact, twice, replace(PEER, after_kill="no recovery")], [], 1000, 1, 100)
    assert "| yes | 12.3 | exact |" in shown
    assert "| yes | 50 | **7 rows too many** |" in shown
    assert "| yes |  | no recovery |" in shown
