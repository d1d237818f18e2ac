"""Builds the site, and refuses one with a broken link: `make docs`.

Belongs here: the order of the steps, and what is printed. Does not belong here: what is staged (staging), what is
checked (links, site_check).
"""

import argparse
import subprocess
import sys
from pathlib import Path

from handbook import links, site_check, staging

BUILT = links.ROOT / "build" / "docs"


def main(arguments: list[str] | None = None) -> int:
    """Build, check, and say where the first page is."""
    parser = argparse.ArgumentParser(prog="make docs", description=__doc__.partition("\n")[0])
    parser.add_argument("--generator", type=Path, required=True, help="the program zensical")
    generator: Path = parser.parse_args(arguments).generator
    findings = [finding for page in links.pages() for finding in links.broken(page)]
    if not findings:
        findings = _built(generator)
    for finding in findings:
        sys.stderr.write(f"docs: {finding}\n")
    if findings:
        return 1
    sys.stdout.write(f"{BUILT / 'site' / 'index.html'}\n")
    return 0


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
