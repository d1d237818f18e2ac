import hashlib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from local_stack import jars
from local_stack.jars import LIST, TRIES, Jar, JarError, check, fetch, locked, parse

CONTENT = b"a jar"
A = Jar("broker", "org.example:a_2.13:1.0-2", hashlib.sha256(CONTENT).hexdigest())
B = Jar("spark", "org.example.deep:b:4", hashlib.sha256(CONTENT).hexdigest())
POM = "{http://maven.apache.org/POM/4.0.0}"


def put(coordinates: str, path: Path) -> None:
    assert coordinates in (A.coordinates, B.coordinates)
    path.write_bytes(CONTENT)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars, "_PAUSE_SECONDS", 0)


def test_what_was_fetched_agrees_with_the_list(tmp_path: Path) -> None:
    fetch([A, B], tmp_path, put)
    check([A, B], tmp_path)
    assert (tmp_path / "broker" / "a_2.13-1.0-2.jar").read_bytes() == CONTENT


def test_a_jar_with_another_checksum_is_named(tmp_path: Path) -> None:
    fetch([A, B], tmp_path, put)
    (tmp_path / B.path).write_bytes(b"another")
    with pytest.raises(JarError, match=r"spark/b-4\.jar .*SHA-256"):
        check([A, B], tmp_path)


def test_a_jar_that_is_missing_is_named(tmp_path: Path) -> None:
    fetch([A], tmp_path, put)
    with pytest.raises(JarError, match=r"spark/b-4\.jar was not fetched"):
        check([A, B], tmp_path)


def test_a_jar_that_is_not_on_the_list_is_named(tmp_path: Path) -> None:
    fetch([A, B], tmp_path, put)
    with pytest.raises(JarError, match=r"spark/b-4\.jar is not in jars\.txt"):
        check([A], tmp_path)


def test_a_download_that_fails_at_first_is_tried_again(tmp_path: Path) -> None:
    failures = [OSError("reset")] * (TRIES - 1)

    def download(coordinates: str, path: Path) -> None:
        if failures:
            raise failures.pop()
        put(coordinates, path)

    fetch([A], tmp_path, download)
    check([A], tmp_path)


def test_a_download_that_keeps_failing_ends_in_one_line(tmp_path: Path) -> None:
    asked = []

    def download(coordinates: str, _path: Path) -> None:
        asked.append(coordinates)
        raise OSError("not\nthere")

    with pytest.raises(JarError, match=r"org\.example:a_2\.13:1\.0-2 could not be fetched \(not there\)"):
        fetch([A], tmp_path, download)
    assert len(asked) == TRIES


def test_the_list_is_made_from_what_maven_fetched(tmp_path: Path) -> None:
    fetch([A, B], tmp_path / "jars", put)
    for jar in (A, B):
        group, artifact, version = jar.coordinates.split(":")
        path = tmp_path / "repository" / group.replace(".", "/") / artifact / version / jar.path.name
        path.parent.mkdir(parents=True)
        path.write_bytes(CONTENT)
    assert sorted(locked(tmp_path / "jars", tmp_path / "repository")) == [A, B]


def test_every_jar_that_maven_is_asked_for_is_on_the_list_with_its_version() -> None:
    pom = ElementTree.parse(LIST.with_name("pom.xml"))  # noqa: S314
    wanted = {
        ":".join(
            filter(None, (item.findtext(POM + part) for part in ("groupId", "artifactId", "classifier", "version")))
        )
        for kind in ("dependency", "artifactItem")
        for item in pom.iter(POM + kind)
    }
    assert wanted
    assert wanted <= {jar.coordinates.replace(":jar:", ":") for jar in parse(LIST.read_text())}


def test_every_line_of_the_list_has_a_sha_256() -> None:
    assert all(len(bytes.fromhex(jar.sha256)) == 32 for jar in parse(LIST.read_text()))


def test_a_jar_with_a_classifier_has_it_at_the_end_of_its_name_as_maven_has_it(tmp_path: Path) -> None:
    shaded = Jar("gcs", "org.example:c:jar:shaded:hadoop3-2.2", hashlib.sha256(CONTENT).hexdigest())
    assert shaded.path == Path("gcs/c-hadoop3-2.2-shaded.jar")
    repository = tmp_path / "repository" / "org" / "example" / "c" / "hadoop3-2.2"
    repository.mkdir(parents=True)
    for path in (repository / shaded.path.name, tmp_path / "jars" / shaded.path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(CONTENT)
    assert list(locked(tmp_path / "jars", tmp_path / "repository")) == [shaded]
