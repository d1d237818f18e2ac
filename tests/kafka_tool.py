"""Kafka's own tool for consumer groups, kafka-consumer-groups.sh: what it shows of a group.

The script's class is in a jar that no broker needs. It is fetched on first use, and runs with the broker's jars.
"""

import subprocess
from pathlib import Path
from typing import NamedTuple

from local_stack.java import find_java
from spark_jobs.settings import payments_home
from tests.from_maven import fetch, folder_of

COORDINATES = "org.apache.kafka:kafka-tools:4.3.1"
SHA256 = "62f3c5dd7aa3442d4c5bc6a95f86e2502178ea09de8e27f74d9563bf955e253c"
_CLASS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
_ANSWER_SECONDS = 60


class Shown(NamedTuple):
    """A partition's row: where the group is, where the log ends, and how far apart they are."""

    current: int
    end: int
    lag: int


def describe(bootstrap_servers: str, group: str, topic: str) -> dict[int, Shown]:
    """What `--describe --group` prints of the topic's partitions."""
    home = payments_home()
    path = f"{home / 'jars' / 'broker'}/*:{_jar(folder_of('tools'))}"
    command = [find_java(home), "-cp", path, _CLASS, "--bootstrap-server", bootstrap_servers]
    asked = ["--describe", "--group", group, "--timeout", f"{_ANSWER_SECONDS * 1000}"]
    done = subprocess.run([*command, *asked], capture_output=True, text=True, timeout=2 * _ANSWER_SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    names, *rows = (line.split() for line in done.stdout.splitlines() if line.strip())
    found = [dict(zip(names, row, strict=False)) for row in rows]
    numbers = ("CURRENT-OFFSET", "LOG-END-OFFSET", "LAG")
    return {
        int(row["PARTITION"]): Shown(*(int(row[name]) for name in numbers)) for row in found if row["TOPIC"] == topic
    }


def _jar(folder: Path) -> Path:
    return next(folder.glob("kafka-tools-*.jar"), None) or fetch(COORDINATES, SHA256, folder)
