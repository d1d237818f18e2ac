"""Whether something answers at an address: a probe from inside a pod whose image has no shell and no curl.

Usage: python -m orchestration.platform.answers URL; the exit code is 0 where the answer is below 400. Belongs here:
that. Does not belong here: what the answer says.
"""

import sys
from collections.abc import Sequence
from http.client import HTTPException
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

_SECONDS = 4.0


def answers(url: str) -> bool:
    """Whether it does, within a few seconds."""
    try:
        # Redirects are followed, and what is 400 or more is raised.
        build_opener(ProxyHandler({})).open(url, timeout=_SECONDS).close()
    except (URLError, HTTPException, OSError):
        return False
    return True


def main(arguments: Sequence[str]) -> int:
    """The exit code of a probe."""
    [url] = arguments
    return 0 if answers(url) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
