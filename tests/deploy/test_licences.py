"""Under which licences the image's packages may be used: those that ask for a notice alone, and a few by name."""

import re
from importlib.metadata import PackageNotFoundError, metadata

from tests.architecture.sources import ROOT

ASKS_FOR_A_NOTICE = re.compile(r"apache|mit\b|bsd|isc|psf|python software foundation|0bsd|zlib|cc0", re.IGNORECASE)
WEAK_COPYLEFT = {
    "certifi": "MPL 2.0: its files are passed on as they are",
    "pathspec": "MPL 2.0: its files are passed on as they are",
    "crc32c": "LGPL: loaded as a library of its own",
    "psycopg2-binary": "LGPL: loaded as a library of its own",
    "text-unidecode": "the Artistic License, or the GPL: used under the first",
}
"""By name, with why it may be in the image."""
NOT_HERE = {"dagster-postgres", "psycopg2-binary"}
"""Packages of the image that no machine of a developer needs; Dagster's are all under the Apache License."""


def locked() -> list[str]:
    return re.findall(r"^([a-z0-9][a-z0-9._-]*)==", (ROOT / "requirements" / "image.txt").read_text(), re.MULTILINE)


def licence_of(name: str) -> str | None:
    """What a package says of its licence; None where it is not installed."""
    try:
        message = metadata(name)
    except PackageNotFoundError:
        return None
    classifiers = [
        each.split(" :: ")[-1] for each in message.get_all("Classifier") or [] if each.startswith("License ::")
    ]
    return str(message.get("License-Expression") or "; ".join(classifiers) or message.get("License") or "")


def test_every_package_of_the_image_asks_for_no_more_than_a_notice_or_is_named() -> None:
    found = {name: licence_of(name) for name in locked()}
    assert {name for name, licence in found.items() if licence is None} <= NOT_HERE
    unknown = {name: text for name, text in found.items() if text is not None and not ASKS_FOR_A_NOTICE.search(text)}
    assert unknown.keys() <= WEAK_COPYLEFT.keys(), unknown
    copyleft = {name for name, text in found.items() if text and re.search("GPL|General Public|MPL 2.0", text)}
    assert copyleft <= WEAK_COPYLEFT.keys()
    assert WEAK_COPYLEFT.keys() <= found.keys(), "named, and no longer locked"
