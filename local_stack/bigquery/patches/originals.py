"""Whether local-bigquery's functions are still those that somebody replaces. Runs in the warehouse's environment.

Belongs here: finding a function by its path, and comparing it. Does not belong here: which ones are replaced (each
patch, and the server for what it mends).
"""

import hashlib
import inspect
from collections.abc import Mapping
from functools import reduce
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

WRITTEN_FOR = {"local-bigquery": "0.4.0", "duckdb": "1.5.5", "duckdb-extension-ducklake": "1.5.5"}
"""What the patches were written for, and measured with."""


def other_version() -> str | None:
    """The first package that is of another version than the patches were written for; None where all are of it."""
    for package, wanted in WRITTEN_FOR.items():
        try:
            found = version(package)
        except PackageNotFoundError:
            found = "not installed"
        if found != wanted:
            return f"{package} is {found}, and the patches were written for {wanted}"
    return None


def difference(replaces: Mapping[str, str]) -> str | None:
    """What is wrong with the first of these functions, by path and fingerprint; None where all are as they were."""
    for path, wanted in replaces.items():
        found = fingerprint(path)
        if found is None:
            return f"{path} is not there any more"
        if found != wanted:
            return f"{path} is another function by now (its fingerprint is {found}, not {wanted})"
    return None


def fingerprint(path: str) -> str | None:
    """A short hash of a function's source, signature included; `path` is module:name. None where there is none."""
    module, _, name = path.partition(":")
    try:
        function = reduce(getattr, name.split("."), import_module(module))
        source = inspect.getsource(function)
    except (ImportError, AttributeError, TypeError, OSError):
        return None
    return hashlib.sha256(source.encode()).hexdigest()[:12]
