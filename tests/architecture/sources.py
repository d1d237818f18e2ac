"""Our own source files, and what can be read from them without running them."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("orchestration", "spark_jobs", "simulator", "local_stack")


def package_files(package: str) -> list[Path]:
    """Every Python file of a package, sorted."""
    return sorted((ROOT / package).rglob("*.py"))


def product_files() -> list[Path]:
    """Every Python file that the product consists of."""
    return [path for package in PACKAGES for path in package_files(package)]


def module_name(path: Path) -> str:
    """Dotted name of the module that a file is."""
    return name(path).removesuffix(".py").replace("/", ".").removesuffix(".__init__")


@cache
def tree(path: Path) -> ast.Module:
    """The file, parsed."""
    return ast.parse(path.read_text(), filename=str(path))


def name(path: Path) -> str:
    """The file's name in a message or a test's id."""
    return path.relative_to(ROOT).as_posix()


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when the module is imported: not the bodies of functions, nor what only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            # Decorators and defaults run at import; the body does not.
            for part in (*child.decorator_list, *child.args.defaults, *filter(None, child.args.kw_defaults)):
                yield from (part, *at_import(part))
        elif isinstance(child, ast.Lambda):
            continue
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from (other, *at_import(other))
        else:
            yield from (child, *at_import(child))


def imported_modules(nodes: Iterator[ast.AST]) -> Iterator[str]:
    """Dotted names of what is imported; `from a import b` gives `a.b`, as b may be a module."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import of {node.module}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_within(module: str, prefixes: tuple[str, ...]) -> bool:
    """Whether a dotted name is one of `prefixes` or lies below one."""
    return any(module == prefix or module.startswith(f"{prefix}.") for prefix in prefixes)
