"""A sign of life for whoever watches this process from outside, such as a pod's probe: a file's time.

Usage: python -m spark_jobs.processor.alive FILE SECONDS; the exit code is 0 where the file was touched within so many.
Belongs here: giving the sign and asking for it. Does not belong here: what is alive.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path


def is_alive(file: Path, seconds: float, now: float | None = None) -> bool:
    """Whether the file was touched within so many seconds."""
    try:
        touched = file.stat().st_mtime
    except FileNotFoundError:
        return False
    return (time.time() if now is None else now) - touched <= seconds


def main(arguments: Sequence[str]) -> int:
    """The exit code of a probe."""
    file, seconds = arguments
    return 0 if is_alive(Path(file), float(seconds)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
