"""The jars that the platform runs on, by coordinates and checksum: fetch them without Maven, check them, list them.

Usage: python -m local_stack.jars fetch|check FOLDER, as `make setup` does, before the environment is there: nothing
but the standard library may be imported, save what fetches. Belongs here: the list's lines and what is done with them.
Does not belong here: which jars are wanted (Maven's file beside this one), where they end up.
"""

import hashlib
import os
import ssl
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).with_name("jars.txt")
TRIES = 3
_PARALLEL = 8
_PAUSE_SECONDS = 1.0
_TIMEOUT_SECONDS = 60


class JarError(RuntimeError):
    """A jar is missing, surplus or not the one that was locked. The message is one line that says what to do."""


@dataclass(frozen=True, slots=True, order=True)
class Jar:
    """One line of the list: the folder it belongs in, its coordinates, and its SHA-256.

    Coordinates are `group:artifact:version`, or `group:artifact:jar:classifier:version`.
    """

    folder: str
    coordinates: str
    sha256: str

    @property
    def path(self) -> Path:
        """Where it lies below the folder of all jars, by the name that Maven gives it."""
        _, artifact, *more, version = self.coordinates.split(":")
        return Path(self.folder) / f"{'-'.join((artifact, version, *more[1:]))}.jar"


def parse(text: str) -> list[Jar]:
    """The list's jars; a line that begins with # is a remark."""
    lines = (line.split() for line in text.splitlines() if line and not line.startswith("#"))
    return [Jar(folder, coordinates, sha256) for folder, coordinates, sha256 in lines]


def check(jars: Sequence[Jar], folder: Path) -> None:
    """Hold what lies in `folder` against the list.

    Raises:
        JarError: something is missing, surplus, or has another checksum.
    """
    wanted = {jar.path: jar for jar in jars}
    there = {path.relative_to(folder) for path in folder.glob("*/*.jar")}
    for path in sorted(wanted.keys() | there):
        if path not in wanted:
            raise JarError(f"{path} is not in {LIST.name}: `local_stack/setup.sh lock-jars` writes that list anew")
        if path not in there:
            raise JarError(f"{path} was not fetched: run `make setup` again")
        if (found := _sha256(folder / path)) != wanted[path].sha256:
            raise JarError(
                f"{path} ({wanted[path].coordinates}) has the SHA-256 {found}, not {wanted[path].sha256}: "
                "nothing was installed; delete it from where it was fetched (Maven: ~/.m2), and run `make setup` again"
            )


def fetch(jars: Sequence[Jar], folder: Path, download: Callable[[str, Path], None]) -> None:
    """Put every jar of the list below `folder`, several at a time, each tried TRIES times.

    Raises:
        JarError: one could not be fetched.
    """
    for name in {jar.folder for jar in jars}:
        (folder / name).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(_PARALLEL) as pool:
        # Asking for the results raises what went wrong.
        list(pool.map(lambda jar: _fetch_one(jar, folder, download), jars))


def _fetch_one(jar: Jar, folder: Path, download: Callable[[str, Path], None]) -> None:
    for left in reversed(range(TRIES)):
        # What a download raises is its library's affair.
        try:
            return download(jar.coordinates, folder / jar.path)
        except Exception as error:
            if not left:
                reason = " ".join(f"{getattr(error, 'msg', error)}".split())
                raise JarError(
                    f"{jar.coordinates} could not be fetched ({reason}): try again, or install Maven"
                ) from error
        time.sleep(_PAUSE_SECONDS)
    return None


def locked(folder: Path, repository: Path) -> Iterator[Jar]:
    """The jars that Maven put below `folder`, with the coordinates that they have in its local repository."""
    known = {path.name: path.relative_to(repository).parts for path in repository.rglob("*.jar")}
    for path in folder.glob("*/*.jar"):
        *group, artifact, version, name = known[path.name]
        classifier = name.removeprefix(f"{artifact}-{version}").removesuffix(".jar").removeprefix("-")
        more = ("jar", classifier) if classifier else ()
        yield Jar(path.parent.name, ":".join((".".join(group), artifact, *more, version)), _sha256(path))


def maven_artifact() -> Callable[[str, Path], None]:
    """What downloads one jar: the package maven-artifact, which knows where Maven Central is."""
    from maven_artifact.artifact import Artifact
    from maven_artifact.downloader import Downloader

    # Its requests would trust a list of their own, not this machine's.
    trusted = ssl.get_default_verify_paths()
    os.environ.setdefault("REQUESTS_CA_BUNDLE", trusted.cafile or trusted.capath or "")
    downloader = Downloader()
    ask = downloader.requestor.request
    # By itself it would wait for ever.
    downloader.requestor.request = lambda *args, **options: ask(*args, **{"timeout": _TIMEOUT_SECONDS, **options})

    def download(coordinates: str, path: Path) -> None:
        # A file that is there already it would hold against a checksum from the same place.
        path.unlink(missing_ok=True)
        downloader.download(Artifact.parse(coordinates), str(path))

    return download


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(command: str, folder: str, repository: str = "") -> None:
    """`fetch` and check, `check` alone, or print the list (`lock`, with Maven's local repository)."""
    if command == "lock":
        found = sorted(locked(Path(folder), Path(repository)))
        lines = [f"{jar.folder} {jar.coordinates} {jar.sha256}" for jar in found]
        sys.stdout.write("\n".join(["# Folder, coordinates, SHA-256. Written by `setup.sh lock-jars`.", *lines, ""]))
        return
    jars = parse(LIST.read_text())
    try:
        if command == "fetch":
            fetch(jars, Path(folder), maven_artifact())
        check(jars, Path(folder))
    except JarError as error:
        sys.exit(f"setup: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
