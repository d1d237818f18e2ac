"""Every locked package and jar, held against the advisories of a database (OSV), or one line that says it was not.

Usage: python -m deploy.audit [ADDRESS]. Exit code 0: asked, and nothing is known against any. 1: something is known.
2: not audited. Belongs here: what is asked, and what an answer must be to count. Does not belong here: the list of what
is in the image (sbom). An answer that knows nothing even of a package which is known to be weak is no answer.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[1]
DATABASE = "https://api.osv.dev/v1/querybatch"
SECONDS = 60.0
AT_A_TIME = 500

GOOD, FOUND, NOT_AUDITED = 0, 1, 2


class Locked(NamedTuple):
    """A version of a package, as the database names it."""

    ecosystem: str
    name: str
    version: str


KNOWN_TO_BE_WEAK = Locked("PyPI", "jinja2", "2.4.1")
"""Asked with each batch: a database that knows nothing of it knows nothing."""


class NotAuditedError(Exception):
    """Nobody has answered, or with no answer that counts."""


def locked_packages(requirements: Path) -> Iterator[Locked]:
    """Of every requirements file, each version once."""
    found = {
        Locked("PyPI", name, version)
        for path in sorted(requirements.glob("*.txt"))
        for name, version in re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", path.read_text(), re.MULTILINE)
    }
    yield from sorted(found)


def locked_jars(text: str) -> Iterator[Locked]:
    """Of the list of jars."""
    found = set()
    for line in text.splitlines():
        if line and not line.startswith("#"):
            group, artifact, version = line.split()[1].split(":")[:3]
            found.add(Locked("Maven", f"{group}:{artifact}", version))
    yield from sorted(found)


def advisories(locked: Sequence[Locked], database: str) -> Mapping[Locked, list[str]]:
    """The advisories of each that has any.

    Raises:
        NotAuditedError: the database is away, or its answer does not count.
    """
    found: dict[Locked, list[str]] = {}
    for start in range(0, len(locked), AT_A_TIME):
        asked = [*locked[start : start + AT_A_TIME], KNOWN_TO_BE_WEAK]
        *answers, weak = _ask(asked, database)
        if not weak:
            raise NotAuditedError(f"{database} knows nothing of {KNOWN_TO_BE_WEAK.name} {KNOWN_TO_BE_WEAK.version}")
        found |= {each: ids for each, ids in zip(asked, answers, strict=False) if ids}
    return found


def _ask(asked: Sequence[Locked], database: str) -> list[list[str]]:
    queries = [{"package": {"ecosystem": e, "name": name}, "version": version} for e, name, version in asked]
    body = json.dumps({"queries": queries}).encode()
    request = Request(database, data=body, headers={"Content-Type": "application/json"})  # noqa: S310 - the caller's own
    try:
        with urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            results: Any = json.load(answer)["results"]
        ids = [[each["id"] for each in result.get("vulns", [])] for result in results]
    except (OSError, HTTPException, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotAuditedError(f"{database} gives no answer: {error}") from error
    if len(ids) != len(asked):
        raise NotAuditedError(f"{database} was asked about {len(asked)} versions and answers for {len(ids)}")
    return ids


def main(arguments: Sequence[str]) -> int:
    """The exit code of an audit."""
    database = arguments[0] if arguments else DATABASE
    jars = (ROOT / "local_stack" / "jars.txt").read_text()
    locked = [*locked_packages(ROOT / "requirements"), *locked_jars(jars)]
    try:
        found = advisories(locked, database)
    except NotAuditedError as reason:
        sys.stderr.write(f"NOT AUDITED: {reason}. Run this where the database can be reached.\n")
        return NOT_AUDITED
    for each, ids in found.items():
        sys.stdout.write(f"{each.ecosystem} {each.name} {each.version}: {', '.join(ids)}\n")
    sys.stdout.write(f"{len(locked)} locked versions audited, {len(found)} with advisories.\n")
    return FOUND if found else GOOD


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
