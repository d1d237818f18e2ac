"""The code location loads anywhere: in a fresh interpreter, with nothing set, from another folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import PACKAGES, ROOT, module_name, package_files, product_files


def fresh_python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `code` in a new interpreter with an environment of PATH alone."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_code_location_loads_in_an_empty_environment(tmp_path: Path) -> None:
    done = fresh_python("import orchestration.definitions as d; print(type(d.defs).__name__)", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "Definitions"
    assert list(tmp_path.iterdir()) == [], "loading it left files behind"


def test_loading_the_code_location_loads_nothing_slow(tmp_path: Path) -> None:
    slow = {"pyspark", "google.cloud.bigquery", "pandas", "pyarrow", "kafka", "duckdb"}
    done = fresh_python(f"import sys, orchestration.definitions; print(sorted({slow!r} & set(sys.modules)))", tmp_path)
    assert done.stdout.strip() == "[]", done.stderr


def test_every_module_of_the_product_imports_in_an_empty_environment(tmp_path: Path) -> None:
    modules = [module_name(path) for path in product_files() if path.name != "__main__.py"]
    assert len(modules) > len(PACKAGES)
    done = fresh_python(f"import importlib\nfor name in {modules!r}: importlib.import_module(name)", tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == [], "importing them left files behind"


@pytest.mark.parametrize("package", PACKAGES)
def test_the_packages_are_those_of_this_checkout(package: str, tmp_path: Path) -> None:
    done = fresh_python(f"import {package}; print({package}.__file__)", tmp_path)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) in package_files(package)
    assert Path(done.stdout.strip()).is_relative_to(ROOT)
