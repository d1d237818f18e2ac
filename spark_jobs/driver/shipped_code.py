"""The product's code as one file, for executors that have none of it.

Belongs here: making the file, and the configuration by which executors fetch it and import from it. Does not belong
here: Python's packages, which each machine of the cluster has installed. Python's workers are forked from a process
that imports our module before any task tells it of `pyFiles`: the file has to be on its path from its start.
"""

import hashlib
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path

HERE_OR_IN_THE_IMAGE = ("local", "k8s:")
"""Masters whose executors have our code: they are this process, or run the product's image."""

_PACKAGE = Path(__file__).parents[1]
_DATE = (1980, 1, 1, 0, 0, 0)


def code_conf(master: str, home: Path) -> dict[str, str]:
    """Configuration by which the executors of a master import our code; none where they have it.

    Spark copies `spark.files` into an executor's working folder before its first task, and starts Python there.
    """
    if not master or master.startswith(HERE_OR_IN_THE_IMAGE):
        return {}
    archive = write_code(home / "run" / "code")
    return {"spark.files": str(archive), "spark.executorEnv.PYTHONPATH": archive.name}


def write_code(folder: Path, package: Path = _PACKAGE) -> Path:
    """A ZIP file of the package below `folder`, named by what is in it: of one version it is written once."""
    files = dict(_files(package))
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(f"{name} {len(content)}\n".encode() + content)
    archive = folder / f"{package.name}-{digest.hexdigest()[:16]}.zip"
    if not archive.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unnamed = folder / f".{uuid.uuid4().hex}"
        with zipfile.ZipFile(unnamed, "w", zipfile.ZIP_DEFLATED) as code:
            for name, content in files.items():
                code.writestr(zipfile.ZipInfo(name, _DATE), content)
        unnamed.rename(archive)
    return archive


def _files(package: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(package.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(package.parent).as_posix(), path.read_bytes()
