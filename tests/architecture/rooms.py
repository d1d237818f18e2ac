"""The rooms of the house: rules over a source tree that is only read, so that a mutated copy can be held against them.

Belongs here: the rules, each a function from a tree to its findings. Does not belong here: which arrows are drawn
(arrows), the tests.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

HOUSES = ("orchestration", "spark_jobs", "simulator", "local_stack", "benchmarks", "handbook")
MAX_MODULES = 12
MAX_FILE_LINES = 350

type Graph = Mapping[str, set[str]]


@dataclass(frozen=True)
class House:
    """One top-level package below `root`, and what imports what in it, also inside functions."""

    root: Path
    name: str

    @cached_property
    def files(self) -> dict[str, Path]:
        """Files by dotted module name; a package goes by its own name."""
        return {self._module(path): path for path in sorted((self.root / self.name).rglob("*.py"))}

    def _module(self, path: Path) -> str:
        dotted = ".".join(path.relative_to(self.root).with_suffix("").parts)
        return dotted.removesuffix(".__init__")

    def parsed(self, module: str) -> ast.Module:
        """The file of a module."""
        return _parsed(self.files[module].read_text())

    @cached_property
    def imports(self) -> dict[str, set[str]]:
        """Modules of this house by the module that imports them."""
        return {module: set(self._imported(module)) - {module} for module in self.files}

    def _imported(self, module: str) -> Iterator[str]:
        for node in ast.walk(self.parsed(module)):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names if alias.name in self.files)
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    found = f"{node.module}.{alias.name}"
                    if found in self.files:
                        yield found
                    elif node.module in self.files:
                        yield node.module

    def room(self, module: str) -> str:
        """The package that a module lies in; a module of the house's own floor, such as `settings`, is its own room."""
        inner = module.removeprefix(f"{self.name}.")
        is_package = self.files[module].name == "__init__.py"
        return inner if is_package or "." not in inner else inner.rpartition(".")[0]

    @cached_property
    def arrows(self) -> dict[str, set[str]]:
        """Rooms by the room that imports from them."""
        drawn: dict[str, set[str]] = defaultdict(set)
        for module, others in self.imports.items():
            drawn[self.room(module)] |= {self.room(other) for other in others}
        return {room: others - {room, self.name} for room, others in drawn.items()}


@cache
def _parsed(source: str) -> ast.Module:
    return ast.parse(source)


def houses(root: Path) -> list[House]:
    """Every house of a tree."""
    return [House(root, name) for name in HOUSES]


def circles(graph: Graph) -> list[list[str]]:
    """Groups of two and more that reach each other (Tarjan's strongly connected components)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph.get(node, ())):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def floors(graph: Graph) -> int:
    """How many rooms lie above one another at most: the longest chain of arrows, plus one."""
    height: dict[str, int] = {}

    def rise(node: str) -> int:
        if node not in height:
            height[node] = 1 + max((rise(other) for other in graph.get(node, ())), default=0)
        return height[node]

    return max((rise(node) for node in graph), default=0)


def circles_among_files(root: Path) -> list[str]:
    """Files that import each other, imports inside functions counted."""
    return [" <-> ".join(circle) for house in houses(root) for circle in circles(house.imports)]


def circles_among_rooms(root: Path) -> list[str]:
    """Packages that import each other."""
    return [f"{house.name}: {' <-> '.join(circle)}" for house in houses(root) for circle in circles(house.arrows)]


def arrows_not_drawn(root: Path, drawn: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Imports between rooms that `drawn` (house, room, the rooms it may import) does not have."""
    return [
        f"{house.name}: {room} -> {other}"
        for house in houses(root)
        for room, others in sorted(house.arrows.items())
        for other in sorted(others - set(drawn[house.name].get(room, "").split()))
    ]


def arrows_without_an_import(root: Path, drawn: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Arrows that are drawn although nothing is imported any more."""
    return [
        f"{house.name}: {room} -> {other}"
        for house in houses(root)
        for room, others in sorted(drawn[house.name].items())
        for other in sorted(set(others.split()) - house.arrows.get(room, set()))
    ]


def rooms_too_large(root: Path) -> list[str]:
    """Packages with more modules than a reader keeps in mind."""
    return [
        f"{package.relative_to(root)}: {count} modules"
        for package in _packages(root)
        if (count := sum(path.name != "__init__.py" for path in package.glob("*.py"))) > MAX_MODULES
    ]


def rooms_without_a_door(root: Path) -> list[str]:
    """Packages whose own docstring does not say what belongs there and what does not."""
    return [str(package.relative_to(root)) for package in _packages(root) if not _says_what_belongs(package)]


def _says_what_belongs(package: Path) -> bool:
    door = package / "__init__.py"
    text = ast.get_docstring(ast.parse(door.read_text())) or "" if door.is_file() else ""
    return "Belongs here:" in text and "Does not belong here:" in " ".join(text.split())


def _packages(root: Path) -> Iterator[Path]:
    for house in HOUSES:
        for package in (root / house, *sorted(path for path in (root / house).rglob("*") if path.is_dir())):
            # A peer's folder is a script in an environment of its own.
            if any(package.glob("*.py")) and package.parent.name != "peers":
                yield package


def names_twice(root: Path) -> list[str]:
    """Two modules of one name in rooms of which one imports the other: a reader would open the wrong one."""
    found = []
    for house in houses(root):
        for room, others in house.arrows.items():
            for other in sorted(others):
                both = _stems(house, room) & _stems(house, other)
                found += [f"{house.name}: {room}.{name} and {other}.{name}" for name in sorted(both)]
    return found


def _stems(house: House, room: str) -> set[str]:
    return {
        path.stem
        for module, path in house.files.items()
        if path.name != "__init__.py" and house.room(module) == room and module != f"{house.name}.{room}"
    }


def docstrings_that_name_files(root: Path) -> list[str]:
    """Docstrings that name a Python file: it moves, and the sentence goes on telling of the old place."""
    return [
        f"{module}: {word}"
        for house in houses(root)
        for module in house.files
        for node in ast.walk(house.parsed(module))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        for word in (ast.get_docstring(node) or "").split()
        if word.strip("()`.,;:'\"").endswith(".py")
    ]


def files_too_long(root: Path) -> list[str]:
    """Files beyond the cap."""
    return [
        f"{module}: {lines} lines"
        for house in houses(root)
        for module, path in house.files.items()
        if (lines := len(path.read_text().splitlines())) > MAX_FILE_LINES
    ]


def unit_tests_without_a_module(root: Path) -> list[str]:
    """Files of unit tests whose path is not that of a module: its tests would not be found by it."""
    unit = root / "tests" / "unit"
    return [
        str(path.relative_to(root))
        for path in sorted(unit.rglob("test_*.py"))
        if not (root / path.relative_to(unit).parent / path.name.removeprefix("test_")).is_file()
    ]


def numbers(houses_: Iterable[House]) -> list[tuple[str, int, int, int, int]]:
    """House, files, rooms, arrows between rooms, floors: what an ADR's table shows."""
    return [(h.name, len(h.files), len(h.arrows), sum(map(len, h.arrows.values())), floors(h.arrows)) for h in houses_]
