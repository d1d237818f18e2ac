"""`payments up`, `down`, `status`. Belongs here: arguments and what is printed; the work is platform's.

Does not belong here: starting or stopping anything by itself.
"""

from typing import Annotated

import typer

from local_stack.bigquery.emulator import Warehouse
from local_stack.kafka import Broker
from local_stack.processes import Daemon, StackError
from orchestration.notifications.channel_settings import read_channel_settings
from orchestration.platform.disk_usage import free_bytes, human, usage_of, warning
from orchestration.platform.stack import DEFAULT_RATE, Stack
from orchestration.presentation.console import say, table
from orchestration.settings import StackSettings, read_stack_settings


def up(
    ui: Annotated[
        bool, typer.Option(help="Also start the dashboard, Dagster's UI, its sensors, and steady traffic.")
    ] = True,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0,
            help=f"Payments a second to simulate; 0 for none. Unless given: {DEFAULT_RATE:g} on the broker that it "
            "runs itself and without a mapping, else none.",
        ),
    ] = None,
) -> None:
    """Start the platform: broker, warehouse, dashboard and Dagster on loopback, steady traffic."""
    settings = read_stack_settings()
    if ui:
        # Read by the schedule that tells of alerts: nobody would be told that it cannot.
        read_channel_settings()
    stack = Stack(settings)
    was_up = stack.is_anything_up()
    try:
        stack.start_data_plane(say)
        if ui:
            stack.start_dashboard(say)
            stack.start_ui(say)
            if rate := stack.default_rate() if rate is None else rate:
                stack.start_traffic(rate, say)
    except StackError:
        if not was_up:
            stack.stop(lambda _: None)
        raise
    say("The platform is up.")
    if ui:
        say(f"Dashboard: {settings.dashboard_url}, metrics at {settings.dashboard_url}/metrics")
        say(f"Dagster: {settings.dagster_url}")
    say(f"Kafka: {settings.job.bootstrap_servers}, topic {settings.job.topic}")
    say(f"Warehouse: {settings.job.emulator_host or settings.job.project}, dataset {', '.join(settings.job.datasets)}")
    say("Next: `payments status`, `payments verify`; `payments down` stops everything.")


def down() -> None:
    """Stop the platform. Data stays."""
    Stack(read_stack_settings()).stop(say)
    say("The platform is down.")


def status() -> None:
    """What is up, how far it is, and how well."""
    settings = read_stack_settings()
    stack = Stack(settings)
    parts = {
        "Kafka": stack.broker,
        "warehouse": stack.warehouse,
        "Dagster": stack.dagster,
        "dashboard": stack.dashboard,
        "traffic": stack.traffic,
    }
    table("Parts", ("part", "state", "pid"), [(name, *_state(part)) for name, part in parts.items()])
    _show_sizes(settings)
    if stack.warehouse and (patches := stack.warehouse.running_patches()):
        say(f"The local warehouse runs with these patches: {patches}.")
    warehouse_answers = stack.warehouse is None or stack.warehouse.is_up()
    if not warehouse_answers:
        say("The warehouse does not answer: no more is known.")
        return
    _show_progress(settings, stack.broker.is_up())
    _show_health(settings)


def _show_sizes(settings: StackSettings) -> None:
    free, total = free_bytes(settings.home)
    rows = [(usage.part, usage.files, human(usage.bytes)) for usage in usage_of(settings.home)]
    table(f"Home {settings.home}, {human(free)} free", ("part", "files", "size"), rows)
    if message := warning(free, total):
        say(f"WARN: {message}")


def _state(part: Broker | Warehouse | Daemon | None) -> tuple[str, int | None]:
    if part is None:
        return "BigQuery itself", None
    if isinstance(part, Broker) and not part.is_local:
        trouble = part.trouble()
        return f"not ours: {trouble}" if trouble else "not ours, answers", None
    if isinstance(part, Warehouse) and not part.is_local:
        return f"not ours, {'answers' if part.is_up() else 'does not answer'}", None
    if (pid := part.pid()) is None:
        return "down", None
    found = part.elsewhere()
    return f"up elsewhere: {found}" if found else "up", pid


def _show_progress(settings: StackSettings, broker_answers: bool) -> None:
    from orchestration.automation.backlog_reads import read_published
    from orchestration.dashboard.gathering import lag_rows
    from orchestration.resources.bigquery import PaymentsBigQueryResource
    from orchestration.resources.broker import BrokerReader
    from spark_jobs.incidents import Incident
    from spark_jobs.source.topic import BrokerUnreachable

    job = settings.job
    published = read_published(settings, PaymentsBigQueryResource.from_job_settings(job))
    ends = published.end_offsets if published else None
    why_not = "Kafka does not answer"
    if broker_answers:
        try:
            state, remarks = BrokerReader(job.bootstrap_servers, job.topic).look()
        except (BrokerUnreachable, Incident) as error:
            why_not = str(error)
        else:
            rows = [tuple(row.values()) for row in lag_rows(ends, state)]
            table(f"Topic {job.topic}", ("partition", "published up to", "readable up to", "lag"), rows)
            for line in remarks:
                say(f"WARN: {line}")
            return
    table(f"Topic {job.topic}", ("partition", "published up to"), sorted((ends or {}).items()))
    say(f"How much waits in Kafka is not known: {why_not}")


def _show_health(settings: StackSettings) -> None:
    from google.api_core.exceptions import NotFound

    from orchestration.verification.warehouse_reads import WarehouseReads
    from orchestration.watch.look import judge_health
    from spark_jobs.warehouse.client import connect

    with connect(settings.job) as client:
        reads = WarehouseReads(client, settings.job)
        try:
            batch, health = reads.newest_batch(), reads.health_rows()
        except NotFound:
            say(f"There is no dataset {settings.job.dataset} yet: the first run makes it.")
            return
        overdue = () if health else judge_health(settings, client).words
    if batch:
        say(f"Newest batch: {batch['batch_id']}, {batch['delivered']} records, published at {batch['published_at']}")
    if health:
        show_health(health)
    else:
        say("Health: not built yet; run `payments build`.")
    for line in overdue:
        say(line)


def show_health(rows: list[dict[str, object]]) -> None:
    """The dashboard's rows, and in words what is not well."""
    from orchestration.watch.verdict import judge

    columns = ("metric", "value", "target", "status")
    table("Health", columns, [[_short(row[column]) for column in columns] for row in rows])
    for line in judge(rows).words:
        say(line)


def _short(value: object) -> object:
    from decimal import Decimal

    from orchestration.dashboard.drawing import short

    return short(value) if isinstance(value, float | Decimal) else value
