"""How the harness talks to a contender: arguments in, two lines of JSON out.

Belongs here: what every peer shares. Does not belong here: any engine. Standard library only, as of Python 3.12:
each peer has an environment of its own. A contender first drains a small topic, in the very process that then drains
the large one: what a long-lived service does once (starting, compiling) is its cold start, and not in its speed.
Started again after a kill it goes on where its state says, at once. Once it is done, it may be told of a topic that
never ends, on its standard input.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NEVER = 2**62
"""The end of a partition that goes on and on."""
PACED = "paced"
"""The folder, beside "warm" and "full", of the topic that never ends."""


@dataclass(frozen=True)
class Job:
    """Drain `topic` from its first record up to `ends` (partition to offset), into `output`; keep state in `state`.

    Where `state` holds what a killed process had kept, go on from there.
    """

    bootstrap_servers: str
    topic: str
    ends: dict[int, int]
    output: Path
    state: Path

    @property
    def is_endless(self) -> bool:
        """Whether `ends` is out of reach: go on until somebody kills the process."""
        return NEVER in self.ends.values()

    @property
    def records(self) -> int:
        """How many records there are: the topics of a benchmark begin at 0."""
        return sum(self.ends.values())


Drain = Callable[[Job], dict[str, Any] | None]
"""Does the job; may tell `state_bytes` and `state_keys` where the state folder does not."""


def main(drain: Drain, lacks: str) -> None:
    """Drain both topics, and tell when the large one begins and ends. `lacks`: what is guaranteed less than by ours."""
    parser = argparse.ArgumentParser()
    for name in ("bootstrap-servers", "warm-topic", "warm-ends", "topic", "ends", "folder"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--again", action="store_true", help="no small topic first; state may be there")
    options = parser.parse_args()
    if not options.again:
        drain(_job(options, options.warm_topic, _offsets(options.warm_ends), "warm"))
    _send({"phase": "reading"})
    result = drain(_job(options, options.topic, _offsets(options.ends), "full")) or {}
    _send({"phase": "done", "lacks": lacks, **result})
    # The harness takes its readings now; it then kills us, or names a topic first.
    for line in sys.stdin:
        endless = json.loads(line)
        drain(_job(options, endless["topic"], dict.fromkeys(endless["partitions"], NEVER), PACED))
    os._exit(0)


def cores() -> int:
    """How many there are to be parallel on."""
    return os.cpu_count() or 1


def jars() -> list[str]:
    """The jars that setup.sh put beside the interpreter's environment."""
    return sorted(str(path) for path in (Path(sys.prefix) / "jars").glob("*.jar"))


def _job(options: argparse.Namespace, topic: str, ends: dict[int, int], name: str) -> Job:
    folder = Path(options.folder) / name
    job = Job(
        bootstrap_servers=options.bootstrap_servers,
        topic=topic,
        ends=ends,
        output=folder / "output",
        state=folder / "state",
    )
    job.output.mkdir(parents=True, exist_ok=options.again)
    job.state.mkdir(exist_ok=options.again)
    return job


def _offsets(text: str) -> dict[int, int]:
    return {int(partition): offset for partition, offset in json.loads(text).items()}


def _send(message: dict[str, Any]) -> None:
    print(json.dumps(message), file=sys.__stdout__, flush=True)
