"""The bill of materials: every jar of the lock and of pyspark, with its hash, beside what is listed of Python."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from deploy.image import sbom


def copied_folders() -> set[str]:
    """Of the jars, those that the image is built with."""
    [line] = re.findall(r'^  cp -r (.*) "\$context/jars"$', Path("deploy/image/build.sh").read_text(), re.MULTILINE)
    return set(re.findall(r'"\$home/jars/([^"]+)"', line))


def test_every_jar_of_the_image_is_in_it_with_its_hash() -> None:
    text = Path("local_stack/jars.txt").read_text()
    lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
    locked = [line for line in lines if line[0] in copied_folders()]
    assert {folder for folder, _, _ in lines} == copied_folders() | {*sbom.NOT_IN_THE_IMAGE}
    found = list(sbom.locked_jars(text))
    assert len(found) == len(locked) > 5
    assert [one["hashes"][0]["content"] for one in found] == [sha256 for _, _, sha256 in locked]


def test_outside_of_an_image_it_has_pythons_packages_and_jars(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "python.json").write_text('{"components": [{"name": "dagster"}]}')
    (tmp_path / "jars.txt").write_text("spark a.b:c:1.0 0123\n")
    (tmp_path / "kafka-clients-4.1.0.jar").write_bytes(b"jar")
    sbom.main(tmp_path / "python.json", tmp_path / "jars.txt", tmp_path)
    components = json.loads(capsys.readouterr().out)["components"]
    assert [one.get("purl") for one in components] == [
        None,
        "pkg:maven/a.b/c@1.0",
        "pkg:generic/kafka-clients@4.1.0",
    ]
    assert components[2]["hashes"][0]["content"] == hashlib.sha256(b"jar").hexdigest()


def test_of_an_image_it_has_debians_packages_too() -> None:
    status = "Package: tini\nStatus: installed\nArchitecture: amd64\nVersion: 0.19\n\nPackage: dash\nVersion: 1\n"
    assert [one["purl"] for one in sbom.debian(status)] == ["pkg:deb/debian/tini@0.19", "pkg:deb/debian/dash@1"]
