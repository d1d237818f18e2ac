"""`payments prove`: writes the proof that a payment is counted once on a sealed day, or is not counted there.

Belongs here: arguments, the file, printing. Does not belong here: what a proof is (spark_jobs.sealing).
"""

import json
import shutil
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.sealing.days import day_of
from orchestration.errors import CommandError
from orchestration.platform.stack import Stack
from orchestration.presentation.console import say
from orchestration.settings import read_stack_settings
from spark_jobs.warehouse.job_labels import Work


def prove(
    transaction_id: Annotated[str, typer.Argument(help="The payment's id.")],
    day: Annotated[str, typer.Argument(help="The UTC day of its event_time, YYYY-MM-DD.")],
    out: Annotated[Path | None, typer.Option(help="The file; default: proof-HASH.json in this folder.")] = None,
    with_script: Annotated[
        bool, typer.Option("--with-script", help="Put verify_proof.py beside it: it needs Python alone.")
    ] = False,
) -> None:
    """Prove that a payment is counted once on a sealed day, or that it is not counted on it."""
    asked = day_of(day)
    settings = read_stack_settings()
    Stack(settings).require_warehouse()
    from spark_jobs.sealing import verify_proof
    from spark_jobs.sealing.proofs import prove as made_for
    from spark_jobs.warehouse.client import connect

    path = out or Path(f"proof-{verify_proof.sha256(transaction_id)[:16]}.json")
    try:
        with connect(settings.job, Work.SEAL) as client:
            proof = made_for(client, settings.job, transaction_id, asked)
        path.write_text(json.dumps(proof, indent=1) + "\n")
        if with_script:
            shutil.copy(verify_proof.__file__, path.parent / "verify_proof.py")
    except verify_proof.NotProved as problem:
        raise CommandError(f"Not proved: {problem}.") from None
    except OSError as problem:
        raise CommandError(f"{path} cannot be written: {problem}.") from None
    say(f"Proved: {verify_proof.verdict(proof)}.")
    say(f"The proof is in {path}. It holds for whoever has this digest of the day's seal: {proof['seal']['digest']}")
