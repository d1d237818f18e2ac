"""Builds the site, and refuses one with a broken link: `make docs`.

Belongs here: the order of the steps, what is printed, and asking other hosts where that is wanted. Does not belong
here: what is staged (staging), what is checked (links, site_check).
"""

import argparse
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from handbook import links, site_check, staging

BUILT = links.ROOT / "build" / "docs"
_SECONDS = 20
_ANSWERS = (403, 405, 429)


def main(arguments: list[str] | None = None) -> int:
    """Build, check, and say where the first page is."""
    parser = argparse.ArgumentParser(prog="make docs", description=__doc__.partition("\n")[0])
    parser.add_argument("--generator", type=Path, required=True, help="the program zensical")
    parser.add_argument("--links", action="store_true", help="also ask the other hosts that pages link to")
    given = parser.parse_args(arguments)
    generator: Path = given.generator
    findings = [finding for page in links.pages() for finding in links.broken(page)]
    if given.links:
        findings += links.unreachable(links.listed(), _ask)
    if not findings:
        findings = _built(generator)
    for finding in findings:
        sys.stderr.write(f"docs: {finding}\n")
    if findings:
        return 1
    sys.stdout.write(f"{BUILT / 'site' / 'index.html'}\n")
    return 0


def _ask(address: str) -> str:
    """Why a host does not answer; "" where it does. One that forbids programs (403, 429) has answered."""
    # A link that a page has is https, which a test holds.
    request = Request(address, headers={"User-Agent": "make docs"})  # noqa: S310
    try:
        with urlopen(request, timeout=_SECONDS):  # noqa: S310
            return ""
    except HTTPError as error:
        return "" if error.code in _ANSWERS else f"it answers {error.code}"
    except OSError as error:
        return f"no answer: {getattr(error, 'reason', error)}"


def _built(generator: Path) -> list[str]:
    settings = staging.stage(BUILT)
    done = subprocess.run(
        [generator.absolute(), "build", "--clean", "--strict", "--config-file", settings],
        cwd=BUILT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode:
        return [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return site_check.faults(BUILT / "site")


if __name__ == "__main__":
    sys.exit(main())
