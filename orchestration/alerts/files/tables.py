"""The tables of the documents that are made of the lists.

Belongs here: which page has which table, and how it gets there. Does not belong here: the tables' rows (alerts,
dashboard).
"""

import re

from orchestration.alerts import catalog, promises
from orchestration.alerts.runbooks import runbook_of
from orchestration.dashboard import metrics


def tables() -> dict[str, dict[str, str]]:
    """Page below docs, and its tables by name."""
    return {
        "metrics.md": {"metrics": metrics.documented()},
        "alerts.md": {"alerts": catalog.documented(), "budgets": promises.documented()},
        "runbooks/README.md": {"runbooks": index()},
    }


def index() -> str:
    """The index of the runbooks."""
    named = [(a.name, a.severity, a.summary) for a in promises.EVERY_ALERT]
    rows = [f"| [{name}]({runbook_of(name, '.')}) | {severity} | {summary} |" for name, severity, summary in named]
    return "\n".join(["| runbook | severity | what the alert says |", "|---|---|---|", *rows]) + "\n"


def filled(page: str, table: str, text: str) -> str:
    """The page with the table as it is now. Raises ValueError where the page has no place for it."""
    pattern = re.compile(rf"(<!-- table: {table} -->\n).*?(<!-- /table -->)", re.DOTALL)
    new, count = pattern.subn(lambda match: f"{match[1]}{text}{match[2]}", page)
    if count != 1:
        raise ValueError(f"the table {table} has {count} places")
    return new
