from pathlib import Path

import pytest

from handbook.links import ROOT, broken, external, listed, pages, unreachable


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(page: Path) -> None:
    assert broken(page) == []


def test_a_broken_link_is_named_with_its_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    (tmp_path / "other.md").write_text("# Here\n")
    page.write_text("# A\n\n[a](gone.md) [b](other.md#here) [c](other.md#there)\n[d](#a) [e](#b) [f](/x.md)\n")
    assert broken(page) == [
        "page.md, line 3: gone.md: there is no such file",
        "page.md, line 3: other.md#there: other.md has no heading of this name",
        "page.md, line 4: #b: page.md has no heading of this name",
        "page.md, line 4: /x.md: a link is relative to its page",
    ]


def test_the_kept_list_has_each_link_to_another_host_and_no_other() -> None:
    assert listed() == external(), "write them into handbook/external_links.txt, one a line"
    assert [address for address in listed() if not address.startswith("https://")] == []


def test_an_address_is_unreachable_when_it_does_not_answer_twice() -> None:
    answers = {"https://a.example": ["", ""], "https://b.example": ["no answer", ""], "https://c.example": ["x", "404"]}
    assert unreachable(answers, lambda address: answers[address].pop(0)) == ["https://c.example: 404"]


def test_other_hosts_are_not_asked(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[a](https://example.com/x#y)")
    assert broken(page) == []
