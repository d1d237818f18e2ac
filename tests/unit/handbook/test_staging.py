import tomllib
from pathlib import Path

from handbook.staging import stage


def test_links_out_of_docs_lead_to_copies_and_pages_keep_their_place(tmp_path: Path) -> None:
    root, folder = tmp_path / "root", tmp_path / "built"
    (root / "docs" / "adr").mkdir(parents=True)
    (root / "code").mkdir()
    (root / "code" / "a.py").write_text("x = 1\n")
    (root / ".env.example").write_text("A=1\n")
    (root / "README.md").write_text("# All\n\n[one](docs/adr/1.md#one) [the decisions](docs/adr/) ![p](docs/p.svg)\n")
    (root / "docs" / "p.svg").write_text("<svg/>")
    (root / "docs" / "index.md").write_text(
        "# Home\n\n[all](../README.md#all) [code](../code/a.py) [folder](../code) [settings](../.env.example)\n"
    )
    (root / "docs" / "adr" / "README.md").write_text("# Decisions\n\n[x](https://example.com/)\n")
    (root / "docs" / "adr" / "1.md").write_text('# "One"\n\n[home](../index.md)\n')
    (root / "docs" / "navigation.toml").write_text(
        '[[group]]\ntitle = "Start"\npages = ["index.md"]\n\n[[group]]\ntitle = "Why"\npages = ["adr/*.md"]\n\n'
        '[[group]]\ntitle = "None"\npages = ["none/*.md"]\n'
    )

    settings = tomllib.loads(stage(folder, root).read_text())

    pages = folder / "pages"
    assert (pages / "overview.md").read_text() == (
        "# All\n\n[one](adr/1.md#one) [the decisions](adr/README.md) ![p](p.svg)\n"
    )
    assert (pages / "index.md").read_text() == (
        "# Home\n\n[all](overview.md#all) [code](files/code/a.py.txt) [folder](files/code.txt)"
        " [settings](files/env.example.txt)\n"
    )
    assert (pages / "adr" / "1.md").read_text() == '# "One"\n\n[home](../index.md)\n'
    assert (pages / "files" / "code" / "a.py.txt").read_text() == "x = 1\n"
    assert (pages / "files" / "code.txt").read_text() == "a.py\n"
    assert settings["project"]["nav"] == [
        {"Start": [{"Home": "index.md"}, {"All": "overview.md"}]},
        {"Why": [{'"One"': "adr/1.md"}, {"Decisions": "adr/README.md"}]},
    ]
