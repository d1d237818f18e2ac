"""`make alerts`: writes all that is made of the lists. Belongs here: paths. Does not belong here: what is written."""

import sys
from pathlib import Path

from orchestration.alerts.files.grafana import dashboard
from orchestration.alerts.files.rules_file import rules
from orchestration.alerts.files.tables import filled, tables

ROOT = Path(__file__).resolve().parents[3]
RULES = ROOT / "monitoring/payments-rules.yml"
GRAFANA = ROOT / "monitoring/payments-grafana.json"


def main() -> None:
    """Write rules, dashboard and tables; with an address as argument the rules name the runbooks there, elsewhere."""
    if len(sys.argv) > 1:
        sys.stdout.write(rules(sys.argv[1]))
        return
    RULES.write_text(rules())
    GRAFANA.write_text(dashboard())
    for name, wanted in tables().items():
        page = ROOT / "docs" / name
        text = page.read_text()
        for table, rows in wanted.items():
            text = filled(text, table, rows)
        page.write_text(text)


if __name__ == "__main__":
    main()
