"""The page of operations names what the code knows."""

import re

from handbook.links import ROOT
from spark_jobs.incidents import IncidentKind


def test_the_page_says_what_to_do_about_every_kind_of_incident() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    assert sorted(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE)) == sorted(IncidentKind)
