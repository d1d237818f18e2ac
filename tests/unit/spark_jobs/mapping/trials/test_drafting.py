"""The draft of a mapping."""

import json

import pytest

from spark_jobs.decoding.results import Format
from spark_jobs.mapping.mapping_error import MappingError
from spark_jobs.mapping.spec import read_mapping
from spark_jobs.mapping.trials.drafting import draft, fitting, format_of
from spark_jobs.mapping.trials.outcomes import KafkaRecord, outcomes_of
from spark_jobs.mapping.trials.samples import read_samples
from tests.unit.spark_jobs.mapping.mappings import DOCUMENT, SHIPPED

NAMES = [folder.name for folder in SHIPPED]
MAPPINGS = {folder.name: read_mapping((folder / "payment_event.toml").read_text()) for folder in SHIPPED}


def payments_of(name: str) -> list[KafkaRecord]:
    folder = next(folder for folder in SHIPPED if folder.name == name)
    samples = read_samples((folder / "samples.jsonl").read_text())
    return [sample.record for sample in samples if sample.expected.row is not None]


def records(*documents: object) -> list[KafkaRecord]:
    return [KafkaRecord(json.dumps(document).encode()) for document in documents]


def test_a_draft_of_plain_payments_maps_them() -> None:
    drafted = draft(records(*(DOCUMENT | {"id": f"p_{n}", "payee_id": "shop"} for n in range(3))))
    assert (drafted.open_fields, drafted.documents, drafted.unreadable) == ((), 3, 0)
    text = drafted.text.replace('unit = "?"', 'unit = "minor"')
    outcomes = outcomes_of(read_mapping(text), records(DOCUMENT | {"payee_id": "shop"}))
    assert outcomes[0].row is not None
    assert outcomes[0].row["amount"] == "19.99"


def test_what_a_draft_cannot_know_check_names() -> None:
    drafted = draft(records(DOCUMENT))
    assert drafted.open_fields == ("receiver_account_id",)
    with pytest.raises(MappingError) as raised:
        read_mapping(drafted.text)
    keys = [finding.place for finding in raised.value.findings]
    assert sorted(keys) == ["fields.amount.unit", "fields.receiver_account_id"]


def test_a_draft_shows_no_value_of_the_sample() -> None:
    secret = DOCUMENT | {"payer": {"id": "jane.doe@example.com", "name": "Jane Doe", "iban": "DE02120300000000202051"}}
    drafted = draft(records(secret))
    shown = drafted.text + "".join(seen.example() for seen in drafted.paths)
    assert not [word for word in ("jane", "Jane", "Doe", "DE02", "1999") if word in shown.replace("(1999 is", "")]


def test_paths_that_may_tell_payments_from_others_are_commented_rules() -> None:
    drafted = draft(records(DOCUMENT, DOCUMENT | {"status": "open"}))
    assert "# Are all of these payments? status: paid 1, open 1" in drafted.text
    assert '# not_in = ["paid"]' in drafted.text


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_mapping_of_a_provider_is_found(name: str) -> None:
    assert fitting(MAPPINGS, payments_of(name)) == name


@pytest.mark.parametrize("name", NAMES)
def test_the_format_is_seen_and_every_draft_is_toml(name: str) -> None:
    drafted = draft(payments_of(name))
    assert drafted.format == MAPPINGS[name].format
    try:
        read_mapping(drafted.text)
    except MappingError as error:
        assert all(finding.keys for finding in error.findings), "it is no TOML"  # noqa: PT017


def test_nothing_fits_what_is_nobodys() -> None:
    assert fitting(MAPPINGS, records(DOCUMENT)) is None


def test_a_registrys_frame_is_seen() -> None:
    assert format_of([KafkaRecord(b"\0\0\0\0\1abc")]) is Format.AVRO
    assert format_of([KafkaRecord(None), KafkaRecord(b"{")]) is Format.JSON
    assert draft([KafkaRecord(b"{")]).documents == 0
