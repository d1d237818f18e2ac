from handbook.markdown import anchors, blocks, links, slug, title, with_links

PAGE = """# The `path` of a *payment*

See [the state](state.md#its-life) and ![a picture](a.svg), not `[code](no.md)`.

```sh
# no heading, [no link](no.md)
payments up
```

    payments down

1. a step

   ```console
   $ payments status
   ```

## What's next? <a id="more"></a>
"""


def test_a_title_is_the_first_heading_without_its_marks() -> None:
    assert title(PAGE) == "The path of a payment"


def test_links_and_pictures_are_found_outside_of_code() -> None:
    assert links(PAGE) == [(3, "state.md#its-life"), (3, "a.svg")]


def test_anchors_are_those_of_headings_and_explicit_ids() -> None:
    assert anchors(PAGE) == {"the-path-of-a-payment", "whats-next", "more"}


def test_a_slug_is_githubs() -> None:
    assert slug("The local warehouse's patches") == "the-local-warehouses-patches"
    assert slug("`payment_event.toml`, read [once](x.md)") == "payment_eventtoml-read-once"


def test_blocks_are_fenced_or_indented_and_know_their_line() -> None:
    assert [(block.language, block.lines, block.line, block.fenced) for block in blocks(PAGE)] == [
        ("sh", ("# no heading, [no link](no.md)", "payments up"), 6, True),
        ("console", ("$ payments status",), 15, True),
        ("", ("payments down", ""), 10, False),
    ]


def test_only_links_outside_of_code_are_changed() -> None:
    changed = with_links(PAGE, lambda target: f"there/{target}")
    assert "[the state](there/state.md#its-life)" in changed
    assert "![a picture](there/a.svg)" in changed
    assert changed.count("there/") == 2
    assert with_links(PAGE, lambda target: target) == PAGE
