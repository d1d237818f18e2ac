"""The broker, as a resource: one short look at the topic per question.

Belongs here: nothing but that. What the look consists of is spark_jobs.source's, what follows from it automation's.
"""

from dataclasses import dataclass

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
