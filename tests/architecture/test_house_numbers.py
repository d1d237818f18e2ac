"""The house's numbers and habits, on every Python file of the product."""

import ast
from pathlib import Path

import pytest

from tests.architecture.sources import at_import, name, product_files, tree

MAX_FUNCTION_LINES = 70

each_file = pytest.mark.parametrize("path", product_files(), ids=name)


def reads_environment(node: ast.AST) -> bool:
    """Whether this is `os.environ`, `os.getenv`, or one of them imported by name."""
    if isinstance(node, ast.Attribute):
        return node.attr in ("environ", "getenv") and isinstance(node.value, ast.Name) and node.value.id == "os"
    if isinstance(node, ast.ImportFrom):
        return node.module == "os" and any(alias.name in ("environ", "getenv") for alias in node.names)
    return False


@each_file
def test_a_module_says_what_belongs_in_it(path: Path) -> None:
    assert ast.get_docstring(tree(path)), f"{name(path)} has no docstring"


@each_file
def test_functions_are_short(path: Path) -> None:
    long = {
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES
    }
    assert not long


@each_file
def test_no_module_reads_the_environment_at_import(path: Path) -> None:
    assert not [node for node in at_import(tree(path)) if reads_environment(node)]


@pytest.mark.parametrize(
    "source",
    ["import os\nX = os.environ['X']", "import os\nclass A:\n    x = os.getenv('X')", "from os import environ"],
)
def test_a_read_of_the_environment_at_import_would_be_seen(source: str) -> None:
    assert [node for node in at_import(ast.parse(source)) if reads_environment(node)]
