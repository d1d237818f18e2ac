"""What a scenario tells as it goes on, and the claims that prove it.

Belongs here: keeping lines, tables and claims, and printing them. Does not belong here: what they say.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestration.presentation import console


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that must hold: what was expected, and what was found."""

    what: str
    expected: object
    found: object

    @property
    def holds(self) -> bool:
        """Whether it does."""
        return bool(self.expected == self.found)


@dataclass
class Transcript:
    """What was told, in order. A silent one prints nothing."""

    is_silent: bool = False
    lines: list[str] = field(default_factory=list)
    tables: list[dict[str, Any]] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)

    @property
    def is_proved(self) -> bool:
        """Whether something was claimed, and all of it holds."""
        return bool(self.claims) and all(claim.holds for claim in self.claims)

    def step(self, title: str) -> None:
        """Begin a step."""
        self.say()
        self.say(f"== {title}")

    def say(self, line: str = "") -> None:
        """Tell one line."""
        if line:
            self.lines.append(line)
        if not self.is_silent:
            console.say(line)

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Show a table."""
        shown = [tuple(row) for row in rows]
        self.tables.append({"title": title, "columns": list(columns), "rows": [list(row) for row in shown]})
        if not self.is_silent:
            console.table(title, columns, shown)

    def claim(self, what: str, expected: object, found: object) -> None:
        """Claim that two ways to know it agree; it is shown at the end."""
        self.claims.append(Claim(what, expected, found))

    def conclude(self) -> None:
        """Show the claims."""
        self.step("Proof")
        rows = [(c.what, _brief(c.expected), _brief(c.found), "OK" if c.holds else "DIFFERS") for c in self.claims]
        self.table("What must hold", ("claim", "expected", "found", "agrees"), rows)

    def failure(self) -> str:
        """One line on the first claim that does not hold."""
        broken = next((claim for claim in self.claims if not claim.holds), None)
        if broken is None:
            return "nothing was claimed"
        return f"{broken.what}: expected {_brief(broken.expected)}, found {_brief(broken.found)}"

    def as_dict(self) -> dict[str, Any]:
        """The same for a program."""
        claims = [{"claim": c.what, "expected": c.expected, "found": c.found, "holds": c.holds} for c in self.claims]
        return {"ok": self.is_proved, "lines": self.lines, "tables": self.tables, "claims": claims}


def _brief(value: object) -> object:
    text = ", ".join(map(str, value)) if isinstance(value, (list, tuple, set, frozenset)) else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


_LONGEST = 70
