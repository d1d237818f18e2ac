"""A provider's mapping: what is missing, unknown or impossible in it is one line."""

from pathlib import Path

import pytest

from orchestration.control_totals.settlement_mapping import read_mapping
from orchestration.errors import CommandError

LEAST = """
source = "p"
day = { column = "d", zone = "UTC" }
currency = { value = "EUR" }
amount = { column = "a", unit = "minor" }
"""


def mapping(folder: Path, text: str) -> Path:
    path = folder / "p.toml"
    path.write_text(text)
    return path


def test_the_least_mapping_has_four_entries(tmp_path: Path) -> None:
    read = read_mapping(mapping(tmp_path, LEAST))
    assert (read.columns, read.day_format, read.encoding, read.decimal) == (["d", "a"], "%Y-%m-%d", "utf-8-sig", ".")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('source = "p"', "", "source is missing"),
        ('source = "p"', 'source = ""', "source is no text"),
        ('source = "p"', 'source = "a/b"', "source is a name of letters"),
        ('zone = "UTC"', 'zone = "Berlin"', "[day] zone is 'Berlin', which is no time zone"),
        ('zone = "UTC"', 'zone = "../UTC"', "which is no time zone"),
        (', zone = "UTC"', "", "[day] zone is missing"),
        ('value = "EUR"', 'value = "EURO"', "no currency of ISO 4217"),
        ('value = "EUR"', "", "either a column or a value"),
        ('value = "EUR"', 'value = "EUR", column = "c"', "either a column or a value"),
        ('unit = "minor"', 'unit = "cents"', "[amount] unit is 'cents', which is not major or minor"),
        ('unit = "minor"', 'unit = "major", decimal = ";"', "[amount] decimal is ';'"),
        ('unit = "minor"', 'unit = "major", thousands = "."', "thousands and decimal are one sign"),
        ('unit = "minor"', 'unit = "minor", scale = 2', "[amount] scale is not known"),
        ('source = "p"', 'source = "p"\ntopic = "t"', "topic is not known"),
        ('source = "p"', 'source = "p"\nfees = "ignored"', "fees is a table"),
        ('source = "p"', 'source = "p"\nonly = { column = "k", values = [] }', "[only] values is a list of texts"),
        ('source = "p"', 'source = "p"\nfile = { delimiter = "ab" }', "[file] delimiter is one character"),
        ('source = "p"', 'source = "p"\nfile = { encoding = "klingon" }', "[file] encoding is 'klingon'"),
        ('source = "p"', 'source = "p"\nfile = { skip_lines = -1 }', "[file] skip_lines"),
        ('source = "p"', "source =", "is no TOML file"),
    ],
)
def test_a_mapping_that_cannot_be_is_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = mapping(tmp_path, LEAST.replace(old, new))
    with pytest.raises(CommandError) as refused:
        read_mapping(path)
    assert message in str(refused.value)
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)


def test_a_mapping_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        read_mapping(tmp_path / "none.toml")
