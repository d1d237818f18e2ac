"""The documents' hand-drawn pictures: readable in light and dark, by a screen reader, and without another host."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.architecture.sources import ROOT

PICTURES = sorted((ROOT / "docs" / "pictures").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_has_words_two_sets_of_colours_and_nothing_from_elsewhere(picture: Path) -> None:
    root = ElementTree.fromstring(picture.read_text())  # noqa: S314 - it is ours
    for name in ("title", "desc", "style"):
        assert (root.findtext(f"{SVG}{name}") or "").strip(), f"{picture.name} has no <{name}>"
    style = root.findtext(f"{SVG}style") or ""
    assert "prefers-color-scheme: dark" in style
    assert not {"script", "image", "foreignObject"} & {each.tag.removeprefix(SVG) for each in root.iter()}
    assert "http" not in picture.read_text().replace("http://www.w3.org/2000/svg", "")
    assert not [each for each in root.iter(f"{SVG}text") if each.get("fill")], "colours come from the style"
