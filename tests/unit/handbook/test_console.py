from pathlib import Path

import pytest

from handbook.console import Example, Step, agrees, examples, run, typed_elsewhere

PAGE = """# A page

<!-- file: a.txt -->
```text
one
```

```console
$ cat a.txt
one
$ ls missing
...
(exit 2)
```

<!-- runs: on a stack -->
```console
$ payments status
```

```sh
payments up
```

    make demo     # once

<!-- table: x -->
```text
payments verify
```
"""


def test_the_examples_of_a_page_are_its_console_blocks_and_its_files_in_order() -> None:
    assert examples(PAGE) == [
        Example(5, name="a.txt", content="one\n"),
        Example(9, steps=(Step("cat a.txt", ("one",), 0), Step("ls missing", ("...",), 2))),
        Example(18, on_a_stack=True, steps=(Step("payments status", (), 0),)),
    ]


def test_a_command_in_another_block_is_found_unless_a_harness_wrote_the_block() -> None:
    assert typed_elsewhere(PAGE) == [(22, "payments up"), (25, "make demo     # once")]


def test_a_command_may_go_on_in_the_next_line() -> None:
    page = "```console\n$ echo a \\\n> b\na b\n```\n"
    assert examples(page) == [Example(2, steps=(Step("echo a \\\nb", ("a b",), 0),))]


def test_a_console_block_begins_with_a_command() -> None:
    with pytest.raises(ValueError, match=r"line 2: a console block begins with"):
        examples("```console\noutput\n```\n")


@pytest.mark.parametrize(
    ("expected", "printed", "agree"),
    [
        (("a",), ["a"], True),
        (("a",), ["b"], False),
        (("a",), ["a", "b"], False),
        (("a", "..."), ["a", "b", "c"], True),
        (("a", "..."), ["a"], True),
        (("...", "c"), ["a", "b", "c"], True),
        (("...", "c"), ["a", "b"], False),
        (("at ... s",), ["at 17 s"], True),
        (("at ... s",), ["at 17 m"], False),
        (("1.5 (x)",), ["1.5 (x)"], True),
        (("1.5 (x)",), ["105 (x)"], False),
        ((), [], True),
        ((), ["a"], False),
    ],
)
def test_dots_stand_for_anything_and_all_else_for_itself(
    expected: tuple[str, ...], printed: list[str], agree: bool
) -> None:
    assert agrees(expected, printed) is agree


def test_an_example_that_prints_what_the_page_shows_has_no_fault(tmp_path: Path) -> None:
    assert [
        fault for example in examples(PAGE)[:2] for fault in run(example, tmp_path, {"PATH": "/bin:/usr/bin"})
    ] == []


@pytest.mark.parametrize("step", [Step("echo two", ("one",), 0), Step("echo one; exit 3", ("one",), 0)])
def test_another_output_or_another_exit_code_is_a_fault(tmp_path: Path, step: Step) -> None:
    (fault,) = run(Example(1, steps=(step,)), tmp_path, {"PATH": "/bin:/usr/bin"})
    assert step.command in fault
    assert "the page says:\none" in fault
