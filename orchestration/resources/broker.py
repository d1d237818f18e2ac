"""The broker, as a resource: one short look at the topic per question, and what is worth a remark.

Belongs here: nothing but that. What the look consists of is spark_jobs.source's, what follows from it automation's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from spark_jobs.source.log.holes import CLEANUP_POLICY, COMPACT
from spark_jobs.source.open_transactions import OpenTransaction
from spark_jobs.source.topic import TopicReader, TopicState


@dataclass(frozen=True, slots=True)
class BrokerReader:
    """The cluster at `bootstrap_servers`, asked about `topic`. Joins no consumer group; keeps no connection."""

    bootstrap_servers: str
    topic: str

    def read(self) -> TopicState:
        """The topic's id and offsets, now.

        Raises:
            BrokerUnreachable: no answer in time: never the same as "no data".
            Incident: there is no such topic.
        """
        with TopicReader(self.bootstrap_servers, self.topic) as reader:
            return reader.read()

    def read_with_transactions(self) -> tuple[TopicState, list[OpenTransaction]]:
        """The same, and the open transactions that records wait for; raises as `read` does."""
        with TopicReader(self.bootstrap_servers, self.topic) as reader:
            state = reader.read()
            return state, reader.open_transactions(state)

    def look(self) -> tuple[TopicState, list[str]]:
        """The same, and in words what whoever runs the pipeline should know of the topic; raises as `read` does."""
        with TopicReader(self.bootstrap_servers, self.topic) as reader:
            state = reader.read()
            return state, remarks(reader.configuration(), reader.open_transactions(state), datetime.now(UTC))


def remarks(configuration: Mapping[str, str], open_: Sequence[OpenTransaction], now: datetime) -> list[str]:
    """What waits for a transaction, and what the topic does not keep."""
    lines = [transaction.describe(now) for transaction in open_]
    policy = configuration.get(CLEANUP_POLICY, "")
    if COMPACT in policy:
        lines.append(
            f"cleanup.policy is {policy}: the broker deletes older records of a key. What it deletes before it is read "
            f"is never published, and counts as holes."
        )
    return lines
