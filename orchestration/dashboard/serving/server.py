"""The page's server: what is kept is shown at once, and what is new is asked for beside it.

Belongs here: routes, headers, when the parts are asked again. Does not belong here: asking (gathering), HTML
(rendering). A request waits for no part of the platform. Nobody is asked while nobody looks: cost follows the readers.
"""

import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.alerts.runbooks import FOLDER as RUNBOOKS
from orchestration.dashboard.gathering import gather
from orchestration.dashboard.ids.access import NOBODY, Access, read_access
from orchestration.dashboard.keeping import keep, kept
from orchestration.dashboard.metrics import exposition
from orchestration.dashboard.model import Snapshot, stamp
from orchestration.dashboard.rendering import FOLDER, SERVED_POLICY, served
from orchestration.dashboard.serving.id_routes import reader_at, routes_of_ids
from orchestration.settings import StackSettings

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from uvicorn import Server

HEADERS = {
    "Content-Security-Policy": SERVED_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - the metrics alone, where a port for them is named
OWN_HOSTS = ["127.0.0.1", "localhost", "[::1]"]


class Known:
    """The newest snapshot. Where it is older than `seconds`, a look at it starts another read, of which one goes on."""

    def __init__(self, settings: StackSettings, read: Callable[[StackSettings, Snapshot | None], Snapshot] = gather):
        self._settings, self._read = settings, read
        self._snapshot = kept(settings.home)
        self._begun_at = float("-inf")
        self._lock = threading.Lock()
        self._reader: threading.Thread | None = None

    def look(self) -> Snapshot:
        """The snapshot, at once."""
        with self._lock:
            is_reading = self._reader is not None and self._reader.is_alive()
            if not is_reading and time.monotonic() - self._begun_at >= self._settings.dashboard_seconds:
                self._begun_at = time.monotonic()
                self._reader = threading.Thread(target=self._read_anew, name="dashboard", daemon=True)
                self._reader.start()
        return self._snapshot or Snapshot(stamp(datetime.now(UTC)))

    def settle(self) -> None:
        """Return once the read that goes on is over."""
        if self._reader is not None:
            self._reader.join()

    def _read_anew(self) -> None:
        self._snapshot = self._read(self._settings, self._snapshot)
        keep(self._settings.home, self._snapshot)


def application(settings: StackSettings, hosts: list[str], known: Known, access: Access = NOBODY) -> "Starlette":
    """The server's application.

    Args:
        settings: where the parts are.
        hosts: the names that a request may call it by.
        known: what the page shows.
        access: who may see ids; nobody, unless somebody is named.
    """
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.base import BaseHTTPMiddleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.responses import HTMLResponse, PlainTextResponse
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    def page(request: "Request") -> "Response":
        may_see_ids = reader_at(access, request) is not None
        html = served(known.look(), datetime.now(UTC), settings.dashboard_seconds, may_see_ids=may_see_ids)
        return HTMLResponse(html, headers={"Cache-Control": "no-store"})

    def runbook(request: "Request") -> "Response":
        return document(f"runbooks/{request.path_params['name']}.md")

    def document_at(request: "Request") -> "Response":
        return document(request.path_params["path"])

    def document(path: str) -> "Response":
        # Only what the list has: nothing else of the folder, and nothing beside it.
        file = documents().get(path)
        if file is None:
            return PlainTextResponse("There is no such page.\n", status_code=404)
        return PlainTextResponse(file.read_text(encoding="utf-8"))

    return Starlette(
        routes=[
            Route("/", page),
            *_routes_of_machines(known),
            *routes_of_ids(settings, access),
            Route("/runbooks/{name}.md", runbook),
            Route("/docs/{path:path}", document_at),
            Mount("/static", StaticFiles(directory=FOLDER)),
        ],
        middleware=[
            Middleware(BaseHTTPMiddleware, dispatch=_with_headers),
            Middleware(TrustedHostMiddleware, allowed_hosts=hosts),
        ],
    )


@cache
def documents() -> Mapping[str, Path]:
    """The pages of the documents by their path, to which Dagster's links lead where no other address is set."""
    folder = RUNBOOKS.parent
    return {str(file.relative_to(folder)): file for file in (*folder.glob("*.md"), *RUNBOOKS.glob("*.md"))}


def metrics_application(known: Known) -> "Starlette":
    """The metrics and nothing else, by whatever name: for a scraper that has no login."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.base import BaseHTTPMiddleware

    middleware = [Middleware(BaseHTTPMiddleware, dispatch=_with_headers)]
    return Starlette(routes=_routes_of_machines(known), middleware=middleware)


def _routes_of_machines(known: Known) -> "list[BaseRoute]":
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    def metrics(_: "Request") -> "Response":
        text = exposition(known.look(), datetime.now(UTC))
        return PlainTextResponse(text, headers={"Cache-Control": "no-store"}, media_type=METRICS_TYPE)

    def health(_: "Request") -> "Response":
        return PlainTextResponse("ok\n")

    return [Route("/metrics", metrics), Route("/healthz", health)]


async def _with_headers(request: "Request", answer: "Callable[[Request], Awaitable[Response]]") -> "Response":
    response = await answer(request)
    response.headers.update(HEADERS)
    return response


def serve(settings: StackSettings, host: str, port: int, hosts: list[str], metrics_port: int | None = None) -> None:
    """Serve until the process is stopped. What the first reader would wait for is done before.

    Args:
        settings: where the parts are.
        host: where the page listens.
        port: its port.
        hosts: the names that a request may call the page by.
        metrics_port: where the metrics alone are served beside it, on every address.
    """
    known = Known(settings)
    access = read_access()
    served(known.look(), datetime.now(UTC), settings.dashboard_seconds)
    page = server_of(application(settings, hosts, known, access), host, port)
    if metrics_port is None:
        page.run()
        return
    metrics = server_of(metrics_application(known), EVERYWHERE, metrics_port)
    beside = threading.Thread(target=metrics.run, name="metrics", daemon=True)
    beside.start()
    page.run()
    metrics.should_exit = True
    beside.join()


def server_of(app: "Starlette", host: str, port: int) -> "Server":
    """The server, not yet running. It says nothing of itself in its answers."""
    from uvicorn import Config, Server

    return Server(
        Config(
            app,
            host=host,
            port=port,
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            # Who is at the other end is the connection's address, and not what a header says.
            proxy_headers=False,
        )
    )
