"""The script that checks a proof: it accepts what is true of a day, and nothing else."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from spark_jobs.sealing import verify_proof
from spark_jobs.sealing.proofs import proof_of
from spark_jobs.sealing.verify_proof import NotProved, main, verdict
from tests.unit.spark_jobs.sealing.trees import hashed, leaf, payment, sealed, way

ROWS = [payment(number) for number in range(200)]


def proof(transaction_id: str, rows: list[dict[str, Any]] = ROWS, depth: int = 2) -> dict[str, Any]:
    given = [row for row in rows if row["transaction_id"] == transaction_id]
    made = proof_of(transaction_id, sealed(rows, depth), given, way(rows, depth, transaction_id))
    answer: dict[str, Any] = json.loads(json.dumps(made))
    return answer


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_a_payment_is_proved_to_be_counted_once_and_another_id_not_to_be_counted(depth: int) -> None:
    message = verdict(proof("payment-7", depth=depth))
    assert message == "payment-7 is counted once on 2026-11-20, with 1007 minor units of EUR"
    assert verdict(proof("payment-999", depth=depth)) == "payment-999 is not counted on 2026-11-20"


@pytest.mark.parametrize("depth", [0, 2])
def test_on_a_day_without_payments_no_id_is_counted(depth: int) -> None:
    assert verdict(proof("payment-7", [], depth)) == "payment-7 is not counted on 2026-11-20"


def test_a_payment_that_is_stored_twice_is_not_proved() -> None:
    with pytest.raises(NotProved, match="counted 2 times"):
        verdict(proof("payment-7", [*ROWS[:7], payment(7, times=2)]))
    again = payment(7) | {"kafka_offset": 900}
    with pytest.raises(NotProved, match="counted 2 times"):
        verdict(proof("payment-7", [*ROWS, again]))


def test_a_payment_cannot_be_left_out_put_in_or_changed() -> None:
    made = proof("payment-7")
    own = list(leaf(payment(7)))
    assert own in made["bucket"]
    left_out = made | {"payments": [], "bucket": [entry for entry in made["bucket"] if entry != own]}
    changed = made | {"payments": [made["payments"][0] | {"amount_minor": "1"}]}
    put_in = proof("payment-999")
    put_in["payments"] = [{name: str(value) for name, value in payment(999).items()}]
    put_in["bucket"].append(list(leaf(payment(999))))
    hidden = made | {"payments": []}
    others = made | {"transaction_id": "payment-8"}
    for forged in (left_out, changed, put_in, hidden, others):
        with pytest.raises(NotProved):
            verdict(forged)


def test_an_absent_id_cannot_be_proved_by_a_bucket_that_is_hidden() -> None:
    made = proof("payment-7", depth=1)
    digit = hashed("payment-7")[0]
    branches = [{name: found for name, found in made["branches"][0].items() if name != digit}]
    with pytest.raises(NotProved):
        verdict(made | {"payments": [], "bucket": [], "branches": branches})


@pytest.mark.parametrize("name", ["day", "payment_count", "tree_root", "previous_digest", "sealed_at"])
def test_an_altered_seal_proves_nothing(name: str) -> None:
    made = proof("payment-7")
    made["seal"][name] += "0"
    with pytest.raises(NotProved, match="digest"):
        verdict(made)


def test_the_script_runs_alone_with_the_digest_that_somebody_wrote_down(tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    file.write_text(json.dumps(proof("payment-7")))
    script = [sys.executable, "-I", verify_proof.__file__, str(file)]
    digest = proof("payment-7")["seal"]["digest"]
    known = subprocess.run([*script, digest], capture_output=True, text=True, check=True)
    assert known.stdout.startswith("Proved: payment-7 is counted once on 2026-11-20")
    other = subprocess.run([*script, "0" * 64], capture_output=True, text=True, check=False)
    assert (other.returncode, other.stderr.count("\n")) == (1, 1)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": "payments-proof-1"}', "null"])
def test_what_is_no_proof_is_refused_in_one_line(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "proof.json"
    file.write_text(content)
    assert main([str(file)]) == 1
    assert capsys.readouterr().err.startswith("Not proved: ")
    assert main([]) == 1
