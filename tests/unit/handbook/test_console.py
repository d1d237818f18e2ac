from pathlib import Path

import pytest

from handbook.console import Example, Step, Typed, agrees, examples, run, typed

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
        Example(18, runs="on a stack", steps=(Step("payments status", (), 0),)),
    ]


def test_a_command_in_another_block_is_found_unless_a_harness_wrote_the_block() -> None:
    assert typed(PAGE) == [Typed(22, "payments up"), Typed(25, "make demo")]


def test_a_command_that_goes_on_is_one_and_a_blocks_comment_stays_with_it() -> None:
    block = "<!-- drill: x -->\n```sh\n# first\npayments a \\\n   --b 'c # d'\nexport A=1   # one\n```\n"
    page = f"{block}\n    A=1\n    payments x\n"
    assert typed(page) == [Typed(4, "payments a --b 'c # d'", "drill: x"), Typed(6, "export A=1", "drill: x")]


def test_settings_and_configuration_are_no_commands() -> None:
    assert typed("    KAFKA_TOPIC=x\n\ntext\n\n    offsets = delivered\n\n```toml\nmake = 1\n```\n") == []


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
