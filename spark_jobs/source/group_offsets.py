"""What is published, mirrored as the offsets of a consumer group, so that any tool that shows lag shows ours.

Belongs here: committing them, beside the stream. Does not belong here: what counts. The control row decides that, and
nothing ever reads these offsets back. A commit holds no batch up and fails none: a thread of its own makes it, always
of the newest offsets, and a failure is one line of the log until one succeeds again.
"""

import logging
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from spark_jobs.incidents import one_line
from spark_jobs.source.connection import admin_client

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

CLOSE_SECONDS = 5.0
"""How long the end of a run waits for its last commit."""

MOST_TRIES, RETRY_SECONDS = 6, 0.5
"""A broker that is new has no coordinator of groups for a second or two."""

_LOG = logging.getLogger(__name__)


class GroupOffsets:
    """The mirror of one topic's published offsets. With an empty `group` it does nothing."""

    def __init__(self, bootstrap_servers: str, topic: str, group: str) -> None:
        self._bootstrap_servers, self._topic, self._group = bootstrap_servers, topic, group
        self._newest: dict[int, int] | None = None
        self._is_closing = self._has_failed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._go_on, name="group offsets", daemon=True)

    def publish(self, end_offsets: Mapping[int, int]) -> None:
        """Mirror these offsets, soon. Returns at once."""
        if not self._group:
            return
        with self._changed:
            self._newest = dict(end_offsets)
            self._changed.notify()
            if self._thread.ident is None:
                self._thread.start()

    def __enter__(self) -> "GroupOffsets":
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(CLOSE_SECONDS)

    def _go_on(self) -> None:
        from kafka.errors import KafkaError

        admin: KafkaAdminClient | None = None
        tries = 0
        while (offsets := self._next()) is not None:
            try:
                admin = admin or admin_client(self._bootstrap_servers)
                self._commit(admin, offsets)
                tries, self._has_failed = 0, False
            except (KafkaError, OSError, RuntimeError, ValueError) as error:
                _close(admin)
                admin, tries = None, tries + 1
                # Once it has been told of, it is tried once a batch.
                if tries < MOST_TRIES and not self._has_failed:
                    self._put_back(offsets)
                else:
                    self._warn(error)
                    tries = 0
        _close(admin)

    def _put_back(self, offsets: dict[int, int]) -> None:
        """To be tried again after a pause, unless newer ones come."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None, RETRY_SECONDS)
            if self._newest is None:
                self._newest = offsets

    def _next(self) -> dict[int, int] | None:
        """The newest offsets that are not committed yet; None once the run is over and all is done."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._is_closing)
            offsets, self._newest = self._newest, None
            return offsets

    def _commit(self, admin: "KafkaAdminClient", offsets: dict[int, int]) -> None:
        from kafka import TopicPartition
        from kafka.errors import NoError
        from kafka.structs import OffsetAndMetadata

        wanted = {TopicPartition(self._topic, p): OffsetAndMetadata(offset, "", -1) for p, offset in offsets.items()}
        refused = [error for error in admin.alter_group_offsets(self._group, wanted).values() if error is not NoError]
        if refused:
            raise refused[0]()

    def _warn(self, error: Exception) -> None:
        if not self._has_failed:
            _LOG.warning(
                "The consumer group %r does not show what is published: %s. Nothing else depends on it.",
                self._group,
                one_line(error),
            )
        self._has_failed = True


def _close(admin: "KafkaAdminClient | None") -> None:
    if admin is not None:
        admin.close()
