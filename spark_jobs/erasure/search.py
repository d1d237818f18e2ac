"""What names an account, looked for once, and kept up to date with what batches bring while it is erased in portions.

Belongs here: that. Does not belong here: the statements that look (account_search), the transaction (erase).
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from spark_jobs.erasure.account_search import Found, Since, deliveries_of, find
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.publishing.control import Control
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id
from spark_jobs.tables.row_types import TopicPlace
from spark_jobs.warehouse.client import run

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

MAX_RECORDS = 500_000
"""What one erasure may take: its places go through memory."""
_BEFORE_ALL = datetime(2000, 1, 1, tzinfo=UTC)


class Search:
    """What is still to be erased of one account."""

    def __init__(self, client: "Client", settings: JobSettings, account: str) -> None:
        self.account = account
        self._client, self._settings = client, settings
        self._found: dict[TopicPlace, Found] = {}
        self._seen: Control | None = None

    def found(self, now: Control) -> list[Found]:
        """In order: all of it, as of that control row. Whoever calls this sees to it that the row is the newest.

        Raises:
            Incident: there is too much.
        """
        if self._seen is None:
            self._add(find(self._client, self._settings, self.account))
        elif now.last_batch_id > self._seen.last_batch_id:
            since = self._since(self._seen)
            self._add(find(self._client, self._settings, self.account, since))
            ids = {f.transaction_id for f in self._found.values() if f.transaction_id is not None}
            self._add(deliveries_of(self._client, self._settings, ids, since))
        self._seen = now
        if len(self._found) > MAX_RECORDS:
            reported = f"{len(self._found)} deliveries name the account, and one erasure takes {MAX_RECORDS} at most."
            raise Incident(IncidentKind.WAREHOUSE_FAILED, reported)
        return sorted(self._found.values(), key=lambda f: f.place)

    def begin_anew(self) -> None:
        """Look for everything again: what was found may have changed under other hands."""
        self._found, self._seen = {}, None

    def taken(self, erased: Collection[Found]) -> None:
        """These are erased."""
        for each in erased:
            self._found.pop(each.place, None)

    def _add(self, found: Collection[Found]) -> None:
        self._found |= {each.place: each for each in found}

    def _since(self, seen: Control) -> Since:
        """The bounds of what newer batches have brought: by the ledger's partitions since then."""
        sql = f"""
            select min(min_kafka_timestamp) as delivered, min(coalesce(watermark, @before_all)) as paid
            from `{table_id(self._settings, catalog.LEDGER)}`
            where batch_id > @after and published_at >= @published_since
            """
        recorded = seen.updated_at - timedelta(days=1)
        values = {"after": seen.last_batch_id, "published_since": recorded, "before_all": _BEFORE_ALL}
        [row] = run(self._client, sql, values)
        return Since(seen.last_batch_id, row["delivered"] or _BEFORE_ALL, row["paid"] or _BEFORE_ALL)


def portion_of(found: list[Found], most: int | None) -> list[Found]:
    """The first of them, so many at most, but always whole payments: a payment goes with all its deliveries."""
    if most is None or len(found) <= most:
        return found
    groups: dict[str | TopicPlace, list[Found]] = {}
    for each in found:
        groups.setdefault(each.place if each.transaction_id is None else each.transaction_id, []).append(each)
    taken: list[Found] = []
    for group in groups.values():
        if taken and len(taken) + len(group) > most:
            break
        taken += group
    return taken
