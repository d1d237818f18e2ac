"""What the image does not need: taken out while it is built.

Usage: prune.py packages SITE_PACKAGES | system ROOT. Belongs here: names of what goes, each with its why. Does not
belong here: what is put in (the Containerfile). What is taken out by mistake shows in the smoke test of `make image`.
"""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

PACKAGES = (
    # Spark Connect's server and shell, Hive, MLlib with its algebra, YARN, the REPL: none is used by a classic session.
    "pyspark/jars/connect-repl",
    "pyspark/jars/spark-connect*",
    "pyspark/jars/hive-*",
    "pyspark/jars/spark-hive*",
    "pyspark/jars/derby*",
    "pyspark/jars/datanucleus*",
    "pyspark/jars/spark-mllib_*",
    "pyspark/jars/spark-ganglia*",
    "pyspark/jars/breeze*",
    "pyspark/jars/spire*",
    "pyspark/jars/cats-kernel*",
    "pyspark/jars/algebra_*",
    "pyspark/jars/JTransforms*",
    "pyspark/jars/arpack*",
    "pyspark/jars/lapack*",
    "pyspark/jars/spark-yarn*",
    "pyspark/jars/hadoop-yarn*",
    "pyspark/jars/spark-repl*",
    "pyspark/jars/scala-compiler*",
    "pyspark/jars/jline-*",
    "pyspark/jars/*-windows-*",
    "pyspark/jars/*-osx-*",
    "pyspark/jars/volcano-*",
    "pyspark/examples",
    "pyspark/data",
    "pyspark/licenses",
    "pyspark/sbin",
    "pyspark/bin/*.cmd",
    "pyspark/tests",
    "pyspark/python/test_support",
    # Headers, sources, tests, and Arrow's parts that speak to databases.
    "pyarrow/include",
    "pyarrow/src",
    "pyarrow/tests",
    "pyarrow/libarrow_flight*",
    "pyarrow/_flight*",
    "pyarrow/**/*.pyx",
    "pyarrow/**/*.pxd",
    "pandas/tests",
    "numpy/**/tests",
    "numpy/_core/include",
    "numpy/_core/lib",
    "numpy/f2py",
    # Descriptions of hundreds of Google's services, for a client that asks for them by name: ours are generated.
    "googleapiclient/discovery_cache/documents",
    # Vertex AI comes with dbt-bigquery, for notebooks and Python models.
    "google/cloud/aiplatform*",
    "vertexai",
    # Words of all languages, for numbers that dbt prints in English.
    "babel/locale-data/[!er]*",
    "babel/locale-data/e[!n]*",
    "babel/locale-data/r[!o]*",
    "babel/locale-data/en_*",
    "dagster_webserver/webapp/**/*.map",
    "setuptools",
    "pkg_resources",
    "_distutils_hack",
    "distutils-precedence.pth",
    "**/__pycache__",
)
_NATIVE = ("linux64.so", "linux-x86_64", "Linux/x86_64", "linux/amd64", "linux/x86_64")
_OTHERS = (".so", ".dll", ".dylib", ".jnilib")

SYSTEM = (
    "usr/bin/apt*",
    "usr/bin/bash*",
    "usr/bin/dash",
    "usr/bin/deb*",
    "usr/bin/dpkg*",
    "usr/bin/openssl",
    "usr/bin/perl*",
    "usr/bin/rbash",
    "usr/bin/sh",
    "usr/lib/apt",
    "usr/lib/x86_64-linux-gnu/gconv",
    "usr/lib/x86_64-linux-gnu/libapt*",
    "usr/lib/x86_64-linux-gnu/perl*",
    "usr/lib/python3.13/ensurepip",
    "usr/lib/python3.13/idlelib",
    "usr/lib/python3.13/lib2to3",
    "usr/lib/python3.13/pydoc_data",
    "usr/lib/python3.13/test",
    "usr/lib/python3.13/turtle*",
    "usr/lib/python3.13/**/__pycache__/*.opt-*.pyc",
    "usr/sbin/*",
    "usr/share/bash-completion",
    "usr/share/doc",
    "usr/share/i18n",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/man",
    "usr/share/perl*",
    "var/cache/*",
    "var/lib/apt",
    "var/log/*",
)


def main(what: str, root: Path) -> None:
    """Take out of `root` what the list of that name says."""
    for path in _found(root, PACKAGES if what == "packages" else SYSTEM):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    if what == "packages":
        for jar in (root / "pyspark" / "jars").glob("*.jar"):
            keep_this_platform(jar)
        strip(root)


def _found(root: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    for pattern in patterns:
        yield from list(root.glob(pattern))


def keep_this_platform(jar: Path) -> None:
    """Write a jar anew without native libraries of other systems; one that has only those of this one stays."""
    with zipfile.ZipFile(jar) as archive:
        names = archive.namelist()
        natives = [name for name in names if name.endswith(_OTHERS)]
        ours = [name for name in natives if any(part in name for part in _NATIVE) and "musl" not in name]
        if not ours or len(ours) == len(natives):
            return
        leaner = jar.with_suffix(".new")
        with zipfile.ZipFile(leaner, "w", zipfile.ZIP_DEFLATED) as new:
            for entry in archive.infolist():
                if entry.filename not in natives or entry.filename in ours:
                    new.writestr(entry, archive.read(entry))
    leaner.replace(jar)


def strip(root: Path) -> None:
    """Take symbols that only a debugger reads out of native libraries."""
    for library in root.rglob("*.so*"):
        if library.is_file() and not library.is_symlink():
            subprocess.run(["strip", "--strip-debug", library], check=False, stderr=subprocess.DEVNULL)  # noqa: S607


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
