"""Sends lineage events from a thread of its own: no batch and no build waits for the service, or fails with it.

Belongs here: the settings, the queue, what is said where the service does not answer. Does not belong here: the events
(batch_events).
"""

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from spark_jobs.settings import SettingError

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

MOST_WAITING = 1_000
"""So many events wait at most; what comes while the service is that far behind is left out."""
REQUEST_SECONDS = 5.0
LAST_SECONDS = 5.0
"""How long the end of a run or of a build waits for what is still to be sent."""
DEFAULT_NAMESPACE = "payments"

type Emit = Callable[["RunEvent"], object]
type Make = Callable[[], "Iterable[RunEvent]"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LineageSettings:
    """Where events go. The variables are those of OpenLineage's own clients."""

    url: str
    namespace: str
    endpoint: str
    api_key: str


def read_lineage_settings(env: Mapping[str, str] | None = None) -> LineageSettings | None:
    """From the environment; None where no service is named.

    Raises:
        SettingError: OPENLINEAGE_URL is no address.
    """
    env = os.environ if env is None else env
    url = env.get("OPENLINEAGE_URL") or ""
    if not url or (env.get("OPENLINEAGE_DISABLED") or "").lower() == "true":
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise SettingError(
            "OPENLINEAGE_URL must be an http or https address without a login, such as http://marquez:5000: a key goes "
            "to OPENLINEAGE_API_KEY."
        )
    return LineageSettings(
        url,
        env.get("OPENLINEAGE_NAMESPACE") or DEFAULT_NAMESPACE,
        env.get("OPENLINEAGE_ENDPOINT") or "api/v1/lineage",
        env.get("OPENLINEAGE_API_KEY") or "",
    )


class Sender:
    """Takes what is to be told at once, and tells it later. `warn` is told once of each kind of trouble.

    `namespace` is that of the jobs.
    """

    def __init__(self, emit: Emit, warn: Callable[[str], None], where: str, namespace: str = DEFAULT_NAMESPACE) -> None:
        self.namespace = namespace
        self._emit, self._warn, self._where = emit, warn, where
        self._waiting: queue.Queue[Make | None] = queue.Queue(MOST_WAITING)
        self._reported: set[str] = set()
        self._thread = threading.Thread(target=self._work, name="lineage", daemon=True)
        self._thread.start()

    def send(self, make: Make) -> None:
        """Return at once, whatever becomes of it. The events are made in the thread too."""
        try:
            self._waiting.put_nowait(make)
        except queue.Full:
            self._report(f"is {MOST_WAITING} batches behind: newer ones are left out")

    def close(self, seconds: float = LAST_SECONDS) -> None:
        """Wait for what is to be sent, and no longer than that."""
        deadline = time.monotonic() + seconds
        try:
            self._waiting.put(None, timeout=seconds)
        except queue.Full:
            self._report("did not take the last events in time")
            return
        self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._thread.is_alive():
            self._report("did not take the last events in time")

    def _work(self) -> None:
        while (make := self._waiting.get()) is not None:
            try:
                for event in make():
                    self._emit(event)
            except Exception as error:  # noqa: BLE001 - whatever it is, nothing may come of it
                self._report("refuses events, or does not answer", f" ({type(error).__name__})")

    def _report(self, trouble: str, detail: str = "") -> None:
        if trouble not in self._reported:
            self._reported.add(trouble)
            self._warn(
                f"OpenLineage at {self._where} {trouble}{detail}. Nothing else depends on it; this is said once."
            )


@contextmanager
def open_sender(
    settings: LineageSettings | None = None, warn: Callable[[str], None] = log.warning
) -> Iterator[Sender | None]:
    """A sender for as long as this lasts; None where no service is named."""
    settings = settings or read_lineage_settings()
    if settings is None:
        yield None
        return
    sender = Sender(_over_http(settings), warn, settings.url, settings.namespace)
    try:
        yield sender
    finally:
        sender.close()


def _over_http(settings: LineageSettings) -> Emit:
    from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport, TokenProvider

    auth = ApiKeyTokenProvider({"apiKey": settings.api_key}) if settings.api_key else TokenProvider({})
    # One try each: what comes later says the same of a newer batch.
    once = {"total": 0, "connect": 0, "read": 0}
    return HttpTransport(
        HttpConfig(settings.url, endpoint=settings.endpoint, timeout=REQUEST_SECONDS, auth=auth, retry=once)
    ).emit
