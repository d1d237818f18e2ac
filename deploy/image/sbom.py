"""The bill of materials: what cyclonedx-bom lists of Python, with the jars and, in an image, Debian's packages.

Usage: sbom.py PYTHON_JSON JARS_TXT PYSPARK_JARS [DPKG_STATUS], in CycloneDX's JSON. Belongs here: bringing the lists
together. Does not belong here: what is installed.
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NOT_IN_THE_IMAGE = ("broker",)
"""Folders of jars."""


def main(python: Path, jars: Path, pyspark: Path, status: Path | None = None) -> None:
    """Print it."""
    document = json.loads(python.read_text())
    document["components"] += [*locked_jars(jars.read_text()), *jars_of(pyspark)]
    if status:
        document["components"] += debian(status.read_text())
    json.dump(document, sys.stdout, indent=1, sort_keys=True)


def locked_jars(text: str) -> Iterator[dict[str, Any]]:
    """Of the list that names folder, coordinates and SHA-256."""
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        folder, coordinates, sha256 = line.split()
        if folder not in NOT_IN_THE_IMAGE:
            group, artifact, *_, version = coordinates.split(":")
            yield component(f"maven/{group}/{artifact}", artifact, version, sha256)


def jars_of(folder: Path) -> Iterator[dict[str, Any]]:
    """Of a folder of jars, by the names of their files."""
    for path in sorted(folder.glob("*.jar")):
        named = re.fullmatch(r"(.+?)-(\d[^/]*)\.jar", path.name)
        name, version = named.groups() if named else (path.stem, "")
        yield component(f"generic/{name}", name, version, hashlib.sha256(path.read_bytes()).hexdigest())


def debian(status: str) -> Iterator[dict[str, Any]]:
    """Of dpkg's own list."""
    for paragraph in status.strip().split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|Architecture): (.*)$", paragraph, re.MULTILINE))
        yield component(f"deb/debian/{fields['Package']}", fields["Package"], fields["Version"])


def component(kind: str, name: str, version: str, sha256: str | None = None) -> dict[str, Any]:
    """One entry."""
    purl = f"pkg:{kind}@{version}"
    hashes = {"hashes": [{"alg": "SHA-256", "content": sha256}]} if sha256 else {}
    return {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl, **hashes}


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
