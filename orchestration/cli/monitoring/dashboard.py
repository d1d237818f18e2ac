"""`payments dashboard` and `payments query`: the page, served or as one file, and the five monitoring queries.

Belongs here: arguments and what is printed. Does not belong here: the page (dashboard), the queries (dbt's marts).
"""

from pathlib import Path
from typing import Annotated

import typer

from local_stack.processes import is_loopback, is_port_free
from orchestration.dashboard.cells import TABLES, table_of
from orchestration.dashboard.statements import QUERIES
from orchestration.errors import CommandError
from orchestration.platform.stack import Stack
from orchestration.presentation.console import say, table
from orchestration.settings import read_stack_settings


def dashboard(
    html: Annotated[Path | None, typer.Option(help="Write the page as one file instead of serving it.")] = None,
    host: Annotated[str, typer.Option(help="Where to listen. Anything but loopback needs a proxy.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="Default: PAYMENTS_DASHBOARD_PORT.")] = None,
    allow: Annotated[
        list[str] | None, typer.Option(help="A host name that requests may call the server by; may be repeated.")
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(help="Also serve the metrics, and nothing else, on this port of every address.")
    ] = None,
    with_ids: Annotated[
        bool, typer.Option("--with-ids", help="With --html: write the page of samples with ids, if you may see it.")
    ] = False,
) -> None:
    """Serve the dashboard and its metrics until Ctrl-C, or write it as one file that needs nothing."""
    settings = read_stack_settings()
    if with_ids and not html:
        raise typer.BadParameter("--with-ids writes a file: name it by --html; served, the page of ids is at /ids")
    if html:
        (write_ids if with_ids else write_page)(html)
        say(f"Dashboard: {html}")
        return
    from orchestration.dashboard.serving.server import EVERYWHERE, OWN_HOSTS, serve

    port = settings.dashboard_port if port is None else port
    if not is_loopback(host) and not allow:
        raise typer.BadParameter(
            "beyond loopback whoever reaches the port reads the page: name the authenticating proxy's host by --allow"
        )
    if not is_port_free(host, port):
        raise CommandError(f"Port {port} of {host} is taken: set PAYMENTS_DASHBOARD_PORT, or --port.")
    if metrics_port is not None and (metrics_port == port or not is_port_free(EVERYWHERE, metrics_port)):
        raise CommandError(f"Port {metrics_port} is taken: give another as --metrics-port.")
    say(f"Dashboard: http://{host}:{port}, metrics at /metrics")
    serve(settings, host, port, [*OWN_HOSTS, *(allow or ())], metrics_port)


def write_page(file: Path) -> None:
    """Look at everything now, and write what is known as one file."""
    from datetime import UTC, datetime

    from orchestration.dashboard.gathering import gather
    from orchestration.dashboard.keeping import keep, kept
    from orchestration.dashboard.rendering import one_file

    settings = read_stack_settings()
    snapshot = gather(settings, kept(settings.home), everything=True)
    keep(settings.home, snapshot)
    _write(file, one_file(snapshot, datetime.now(UTC)))


def write_ids(file: Path) -> None:
    """Write the page of ids for the user of this process, if he is named, and put that on record."""
    from datetime import UTC, datetime
    from getpass import getuser

    from orchestration.dashboard.ids.access import read_access
    from orchestration.dashboard.ids.pages import as_html
    from orchestration.dashboard.ids.samples import read_samples
    from orchestration.dashboard.ids.views import label_of, put_on_record

    settings, reader = read_stack_settings(), getuser()
    if reader not in read_access().readers:
        raise CommandError(f"{reader} may not see ids: PAYMENTS_DASHBOARD_ID_READERS does not name him.")
    put_on_record(settings.home, reader, shown_as="file")
    _write(file, as_html(read_samples(settings, label_of(reader)), reader, datetime.now(UTC), inline=True))


def _write(file: Path, html: str) -> None:
    try:
        file.write_text(html, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}") from error


def query(name: Annotated[str | None, typer.Argument(help="Which one; without, all are listed.")] = None) -> None:
    """Print a monitoring query with its status: deduplication, state-growth, reconciliation, latency, throughput."""
    if name is None:
        table("Queries", ("name", "question", "healthy"), [(q.name, q.question, q.healthy) for q in QUERIES.values()])
        return
    if name not in QUERIES:
        raise typer.BadParameter(f"{name!r} is none of {', '.join(QUERIES)}")
    settings = read_stack_settings()
    Stack(settings).require_answering_warehouse()
    from orchestration.dashboard.gathering import ask_one
    from orchestration.dashboard.model import Snapshot

    section = ask_one(settings, name)
    if section.trouble:
        raise CommandError(section.trouble)
    [layout] = [each for each in TABLES if each.section == name]
    shown = table_of(layout, Snapshot(section.read_at or "", sections={name: section}))
    table(shown.title, shown.columns, shown.rows)
    say(shown.note)
