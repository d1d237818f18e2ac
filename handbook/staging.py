"""The pages as the site's generator wants them: all in one folder, with links that hold there.

Belongs here: copying pages and what they link to, and the generator's settings. Does not belong here: running the
generator (site).

Pages stay where GitHub shows them. A link out of docs, to a source file or a list of settings, becomes a link to a copy
of that file, so that the site needs no other host.
"""

import json
import os
import shutil
from functools import partial
from pathlib import Path

from handbook import markdown
from handbook.links import ROOT, is_external
from handbook.navigation import Group, groups

AT_THE_ROOT = {"README.md": "overview.md", "CHANGELOG.md": "changelog.md", "SECURITY.md": "security.md"}
"""Pages above docs, and their names in the site."""

AT_THE_ROOT_IN = "Start"
"""The group of the navigation that has them."""

_FILES = "files"
_SHOWN_AS_IT_IS = {".json", ".png", ".svg", ".toml", ".txt", ".yml", ".html", ".csv"}


def stage(folder: Path, root: Path = ROOT) -> Path:
    """Write pages and settings into `folder`, anew. Gives the settings file."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = folder / "pages"
    shutil.copytree(root / "docs", pages)
    (pages / "navigation.toml").unlink()
    for source in sorted([*root.glob("*.md"), *root.glob("docs/**/*.md")]):
        place = _place(source, root)
        if place is None:
            continue
        change = partial(_link, source=source, place=place, pages=pages, root=root)
        text = markdown.with_links(source.read_text(encoding="utf-8"), change)
        (pages / place).parent.mkdir(parents=True, exist_ok=True)
        (pages / place).write_text(text, encoding="utf-8")
    settings = folder / "zensical.toml"
    settings.write_text(_settings(groups(root / "docs"), pages), encoding="utf-8")
    return settings


def _place(source: Path, root: Path) -> str | None:
    """Where a page lies in the site; None for one that the site does not show."""
    if source.is_relative_to(root / "docs"):
        return source.relative_to(root / "docs").as_posix()
    return AT_THE_ROOT.get(source.name)


def _link(target: str, *, source: Path, place: str, pages: Path, root: Path) -> str:
    path, mark, anchor = target.partition("#")
    if is_external(target) or not path:
        return target
    file = (source.parent / path).resolve()
    if file.is_dir() and (file / "README.md").is_file():
        file /= "README.md"
    there = _place(file, root) if file.suffix == ".md" or file.is_relative_to(root / "docs") else None
    if there is None:
        there = _copied(file, pages, root)
    return os.path.relpath(there, Path(place).parent) + mark + anchor


def _copied(file: Path, pages: Path, root: Path) -> str:
    """A file's copy in the site, without a leading dot, which is not served. A folder's is the list of its contents."""
    name = (file.relative_to(root)).as_posix().lstrip(".")
    if file.suffix not in _SHOWN_AS_IT_IS:
        name += ".txt"
    copy = pages / _FILES / name
    copy.parent.mkdir(parents=True, exist_ok=True)
    if file.is_dir():
        listed = sorted(f"{each.name}/" if each.is_dir() else each.name for each in file.iterdir())
        copy.write_text("".join(f"{each}\n" for each in listed if not each.startswith(("_", "."))), encoding="utf-8")
    else:
        shutil.copyfile(file, copy)
    return f"{_FILES}/{name}"


def _settings(shown: list[Group], pages: Path) -> str:
    template = (Path(__file__).parent / "zensical.toml").read_text(encoding="utf-8")
    navigation = []
    for group in shown:
        listed = list(group.pages)
        if group.title == AT_THE_ROOT_IN:
            listed += [page for page in AT_THE_ROOT.values() if (pages / page).is_file()]
        inner = ", ".join(f"{{ {json.dumps(_title(pages / page))} = {json.dumps(page)} }}" for page in listed)
        if inner:
            navigation.append(f"  {{ {json.dumps(group.title)} = [{inner}] }},\n")
    return template.replace("nav = []", f"nav = [\n{''.join(navigation)}]", 1)


def _title(page: Path) -> str:
    return markdown.title(page.read_text(encoding="utf-8")) or page.stem
