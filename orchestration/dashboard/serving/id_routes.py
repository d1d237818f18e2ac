"""The routes of the page of ids.

Belongs here: who is let in, in which order a view is recorded, read and shown. Does not belong here: that judgement
itself, the record and the reads (dashboard.ids).
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestration.dashboard.ids.access import GROUPS, NAMES, Access, reader_of
from orchestration.dashboard.ids.pages import as_html, as_json
from orchestration.dashboard.ids.samples import Sample, read_samples
from orchestration.dashboard.ids.views import label_of, put_on_record
from orchestration.settings import StackSettings

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

type Read = Callable[[StackSettings, Mapping[str, str]], dict[str, Sample]]

FORBIDDEN = (
    "Ids are shown to readers alone that PAYMENTS_DASHBOARD_ID_READERS names, and that a trusted proxy vouches for.\n"
)
NOT_RECORDED = "Nothing is shown: the view cannot be put on record.\n"


def reader_at(access: Access, request: "Request") -> str | None:
    """Who asks, if he may see ids."""
    headers = {name: request.headers.getlist(name) for name in (*NAMES, GROUPS)}
    return reader_of(access, request.client.host if request.client else None, headers)


def routes_of_ids(settings: StackSettings, access: Access, read: Read | None = None) -> "list[BaseRoute]":
    """The page and its JSON. `read` is how samples are read, by default from the warehouse."""
    from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse
    from starlette.routing import Route

    read = read or read_samples

    def shown(request: "Request", shown_as: str) -> "Response":
        reader = reader_at(access, request)
        if reader is None:
            return PlainTextResponse(FORBIDDEN, status_code=403)
        try:
            put_on_record(settings.home, reader, shown_as=shown_as)
        except OSError:
            return PlainTextResponse(NOT_RECORDED, status_code=503)
        samples = read(settings, label_of(reader))
        headers = {"Cache-Control": "no-store"}
        if shown_as == "json":
            return JSONResponse(as_json(samples), headers=headers)
        return HTMLResponse(as_html(samples, reader, datetime.now(UTC)), headers=headers)

    def page(request: "Request") -> "Response":
        return shown(request, "html")

    def data(request: "Request") -> "Response":
        return shown(request, "json")

    return [Route("/ids", page), Route("/ids.json", data)]
