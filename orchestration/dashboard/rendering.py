"""The page as HTML: with links to its files where it is served, all in one file where it is not.

Belongs here: the template, the files beside it, the content security policy. Does not belong here: what stands on the
page (view), serving it (server).
"""

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.dashboard.answer import clock
from orchestration.dashboard.drawing import HEIGHT, WIDTH
from orchestration.dashboard.model import Snapshot, moment_of
from orchestration.dashboard.view import page_of

if TYPE_CHECKING:
    from jinja2 import Template

FOLDER = Path(__file__).with_name("page")
STYLES = ("vendor/uPlot.min.css", "page.css")
SCRIPTS = ("vendor/uPlot.iife.min.js", "page.js")
STATUSES = ("HEALTHY", "DEGRADED", "FAILING", "UNWATCHED", "PENDING")

SERVED_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def served(snapshot: Snapshot, now: datetime, refresh_seconds: int, *, may_see_ids: bool = False) -> str:
    """The page as the server gives it: no script and no style inside. Who may see ids gets a link to them."""
    return _render(snapshot, now, inline=False, refresh_seconds=refresh_seconds, may_see_ids=may_see_ids)


def one_file(snapshot: Snapshot, now: datetime) -> str:
    """The page as one file that asks for nothing: its policy names its script and its style by their hashes."""
    style, script = _joined(STYLES), _joined(SCRIPTS)
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return _render(snapshot, now, inline=True, style=style, script=script, policy=policy)


def _render(snapshot: Snapshot, now: datetime, *, inline: bool, **names: object) -> str:
    from markupsafe import Markup

    trusted = {name: Markup(names[name]) for name in ("style", "script") if name in names}  # noqa: S704 - our own files
    return _template("page.html.j2").render(
        {**names, **trusted},
        page=page_of(snapshot, now),
        inline=inline,
        statuses=STATUSES,
        width=WIDTH,
        height=HEIGHT,
    )


def page_of_ids(tables: Sequence[object], reader: str, taken_at: str, *, inline: bool) -> str:
    """The page of ids: without any script, and asked for nothing by its reader's browser but its style."""
    from markupsafe import Markup

    style = (FOLDER / "page.css").read_text(encoding="utf-8")
    policy = f"default-src 'none'; style-src {_hash(style)}; img-src data:; base-uri 'none'; form-action 'none'"
    inside = {"style": Markup(style), "policy": policy} if inline else {}  # noqa: S704 - our own file
    return _template("ids.html.j2").render(inside, tables=tables, reader=reader, taken_at=taken_at, inline=inline)


@cache
def _template(name: str) -> "Template":
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, trim_blocks=True)
    environment.filters |= {
        "clock": lambda text: clock(moment_of(text)),
        "duration": duration,
        "capitalize_first": lambda text: text[:1].upper() + text[1:],
    }
    return environment.get_template(name)


@cache
def _joined(files: tuple[str, ...]) -> str:
    return "\n".join((FOLDER / file).read_text(encoding="utf-8") for file in files)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def duration(seconds: int) -> str:
    """Seconds, minutes, hours or days, whichever says it best."""
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {name}"
    return f"{seconds} s"
