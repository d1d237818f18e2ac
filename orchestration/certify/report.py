"""The report of certify: one object, as JSON and as a page of Markdown. Pure.

Belongs here: what stands in it. Does not belong here: asking. It names no account and no record: it may be committed.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path

from orchestration.certify.findings import Finding, Verdict
from orchestration.presentation.markdown import markdown_table
from spark_jobs.warehouse.job_limits import ON_DEMAND_DOLLARS_A_TIB


@dataclass(frozen=True, slots=True)
class Report:
    """What was asked, of what, and what it came to. `bytes_billed` is None where the warehouse bills nothing."""

    asked_at: str
    warehouse: str
    location: str
    is_bigquery: bool
    findings: Sequence[Finding]
    latencies: dict[str, float]
    bytes_billed: int | None
    cleaned_up: bool

    @property
    def has_failed(self) -> bool:
        """Whether something that exactly-once rests on did not hold."""
        return any(finding.verdict is Verdict.FAILED for finding in self.findings) or not self.cleaned_up

    def to_json(self) -> str:
        """For machines."""
        return json.dumps(asdict(self) | {"has_failed": self.has_failed}, indent=2) + "\n"

    def to_markdown(self) -> str:
        """For people."""
        counts = Counter(finding.verdict for finding in self.findings)
        summary = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict)
        stands = "BigQuery" if self.is_bigquery else "a local stand-in, so nothing here is a statement about BigQuery"
        rows = [(f.question, f.verdict, f.detail.replace("|", "\\|"), f"{f.seconds:.1f}") for f in self.findings]
        return "\n".join(
            [
                "# What exactly-once rests on, as it was shown",
                "",
                f"Asked at {self.asked_at} of {self.warehouse}, location {self.location}: {stands}. {summary}.",
                "",
                markdown_table(("question", "verdict", "what was seen", "seconds"), rows),
                "",
                "## How long it took",
                "",
                markdown_table(("what", "seconds"), [(k, f"{v:.2f}") for k, v in self.latencies.items()]),
                "",
                self._cost(),
                "The dataset was deleted." if self.cleaned_up else "THE DATASET IS STILL THERE: delete it by hand.",
                "",
            ]
        )

    def _cost(self) -> str:
        if self.bytes_billed is None:
            return "Nothing was billed: BigQuery's latency and bytes are not shown here."
        dollars = Decimal(self.bytes_billed) / 2**40 * ON_DEMAND_DOLLARS_A_TIB
        return f"{self.bytes_billed:,} bytes were billed: {dollars:.2f} dollars on demand."

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Both files, `certify.json` and `certify.md`; returns their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        files = folder / "certify.json", folder / "certify.md"
        for path, text in zip(files, (self.to_json(), self.to_markdown()), strict=True):
            path.write_text(text)
        return files
