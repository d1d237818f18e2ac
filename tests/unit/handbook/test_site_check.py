from pathlib import Path

import pytest

from handbook.site_check import faults


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<a href="b.html#here">', None),
        ('<a href="https://example.com/">', None),
        ('<img src="p.png">', None),
        ('<a href="c.html">', "a.html links to c.html, which is not in the site"),
        ('<a href="b.html#gone">', "a.html links to b.html#gone, which is not in the site"),
        ('<img src="q.png">', "a.html links to q.png, which is not in the site"),
        ('<script src="https://x.example/y.js">', "a.html loads https://x.example/y.js from another host"),
        ('<link href="//x.example/y.css">', "a.html loads //x.example/y.css from another host"),
        ('<pre class="mermaid">', "a.html has a mermaid, whose library is another host's"),
    ],
)
def test_a_link_leads_into_the_site_and_nothing_is_loaded_from_elsewhere(
    tmp_path: Path, body: str, fault: str | None
) -> None:
    (tmp_path / "a.html").write_text(body)
    (tmp_path / "b.html").write_text('<h2 id="here">')
    (tmp_path / "p.png").write_text("")
    assert faults(tmp_path) == ([fault] if fault else [])
