"""What the warehouse must hold, worked out from what was sent alone. Shares no code with the pipeline."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class Sent:
    """One record as the producer knows it: where it lies, and its bytes."""

    place: tuple[int, int]
    value: bytes


@dataclass
class Oracle:
    """Valid payments with no late ones: the first place of an id is UNIQUE, every other a DUPLICATE."""

    sent: list[Sent] = field(default_factory=list)

    def expected_deliveries(self) -> dict[tuple[int, int], tuple[str, str]]:
        """(disposition, sha256) by (partition, offset)."""
        winners = self._winners()
        return {
            record.place: (
                "UNIQUE" if winners[self._id(record)] == record.place else "DUPLICATE",
                hashlib.sha256(record.value).hexdigest(),
            )
            for record in self.sent
        }

    def expected_transactions(self) -> set[tuple[str, str, tuple[int, int]]]:
        """(id, amount, place) of every payment."""
        by_place = {record.place: record for record in self.sent}
        return {(i, json.loads(by_place[place].value)["amount"], place) for i, place in self._winners().items()}

    def _winners(self) -> dict[str, tuple[int, int]]:
        winners: dict[str, tuple[int, int]] = {}
        for record in sorted(self.sent, key=self._age):
            winners.setdefault(self._id(record), record.place)
        return winners

    @staticmethod
    def _id(record: Sent) -> str:
        return str(json.loads(record.value)["transaction_id"])

    @staticmethod
    def _age(record: Sent) -> tuple[datetime, tuple[int, int]]:
        return datetime.fromisoformat(json.loads(record.value)["event_time"]), record.place
