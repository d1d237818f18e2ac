"""Broken events: every reason of the contract, and exactly the reasons that the pipeline's own rules find."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from simulator.faults.malformed import MALFORMATIONS, Malformation, one_of_each_first
from simulator.population.clock import to_ms
from simulator.population.payments import Payment, Traffic
from simulator.population.people import populate
from spark_jobs.contract.payment_event import LABEL_REASONS, Reason
from spark_jobs.parsing.json_parsing import parse
from spark_jobs.parsing.validation import validate

OF_OTHER_FORMATS = {
    *(Reason.UNDECIDED_RULE, Reason.MORE_THAN_ONE, Reason.UNMAPPED_VALUE, Reason.UNKNOWN_MINOR_UNIT),
    *(Reason.UNKNOWN_SCHEMA, Reason.UNDECODABLE, Reason.UNSUPPORTED_SCHEMA_VERSION),
    *(Reason.UNKNOWN_KIND, Reason.INVALID_ORIGINAL_TRANSACTION_ID, Reason.UNKNOWN_STATUS),
    Reason.INVALID_KAFKA_TIMESTAMP,
}
HELD_FOR = set(Reason) - set(LABEL_REASONS.values()) - OF_OTHER_FORMATS
"""What an event of version 1 is quarantined for. A label that cannot be read holds nothing back."""
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def payments() -> list[Payment]:
    traffic = Traffic(populate(1, 200), np.random.default_rng(1))
    return traffic.block(np.full(50, to_ms(NOW)))


def test_there_is_a_malformation_for_every_reason() -> None:
    assert {malformation.reasons[0] for malformation in MALFORMATIONS} == HELD_FOR


def test_the_first_malformations_are_one_for_every_reason() -> None:
    ordered = one_of_each_first()
    assert {malformation.reasons[0] for malformation in ordered[: len(HELD_FOR)]} == HELD_FOR
    assert len(ordered) == len(MALFORMATIONS) == len(set(map(id, ordered)))


@pytest.mark.parametrize("malformation", MALFORMATIONS, ids=lambda m: "+".join(m.reasons))
def test_the_rules_of_the_contract_find_just_the_reasons_that_are_labelled(
    malformation: Malformation, payments: list[Payment]
) -> None:
    values = [malformation.apply(payment) for payment in payments]
    timestamps = pa.array([NOW] * len(values), pa.timestamp("us", "UTC"))
    keys = [payment.sender.encode() for payment in payments]
    found = validate(parse(values, keys), timestamps)["reasons"].to_pylist()
    assert found == [list(malformation.reasons)] * len(values)


@pytest.mark.parametrize("malformation", MALFORMATIONS, ids=lambda m: "+".join(m.reasons))
def test_reasons_are_in_the_contracts_order_and_name_the_kind(malformation: Malformation) -> None:
    assert list(malformation.reasons) == sorted(malformation.reasons, key=list(Reason).index)
    assert malformation.kind == f"malformed:{malformation.reasons[0]}"
