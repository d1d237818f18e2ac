"""Claims that several scenarios make: the tables agree with each other, and with what was sent.

Belongs here: putting the rules of `payments verify` as claims. Does not belong here: the rules (verification).
"""

from typing import TYPE_CHECKING

from orchestration.scenarios.harness.sandbox import Sandbox
from orchestration.scenarios.harness.transcript import Transcript
from orchestration.verification.proof import judge

if TYPE_CHECKING:
    from simulator.sending.manifest import Manifest


def breaks_of(sandbox: Sandbox, manifest: "Manifest | None" = None) -> list[str]:
    """Every rule of `payments verify` that is broken, and where."""
    return [f"{found.rule}: {found.where}" for found in judge(sandbox.client, sandbox.settings, manifest).breaks]


def claim_manifest(sandbox: Sandbox, transcript: Transcript, manifest: "Manifest") -> None:
    """Claim that every record sent is in the warehouse once, as what and with the money that its sender says."""
    from orchestration.control_totals.reports import report

    report(sandbox.client, sandbox.settings, manifest)
    verdict = judge(sandbox.client, sandbox.settings, manifest)
    for reported, held in zip(verdict.expected, verdict.matched, strict=False):
        transcript.claim(
            f"partition {reported.partition}: delivered, UNIQUE, DUPLICATE, LATE, QUARANTINED",
            _counts(reported),
            _counts(held),
        )
    transcript.claim("partitions", len(verdict.expected), len(verdict.matched))
    transcript.claim("rules of `payments verify` that are broken", [], [f"{b.rule}: {b.where}" for b in verdict.breaks])


def _counts(tally: object) -> list[int]:
    return [getattr(tally, name) for name in ("delivered", "unique", "duplicate", "late", "quarantined")]
