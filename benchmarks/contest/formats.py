"""The same payments in three forms, drained in turn: the contract's JSON, nested JSON by a mapping, and Avro.

Usage: python -m benchmarks.contest.formats [--events N] [--rounds N] [--dry]. Writes the table into docs/formats.md.
Belongs here: the forms, and how much slower each is than the contract. Does not belong here: one run (contest).
The registry is asked once a process, so a server with the one schema stands in for it.
"""

import argparse
import http.server
import io
import json
import statistics
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastavro

from benchmarks.contest import contest, oracle
from benchmarks.contest.contest import OURS, Reading, Task
from benchmarks.harness.figures import ROOT, measured, table, write_table
from benchmarks.harness.stack import ends, stack
from local_stack.kafka import ensure_topic
from simulator.config import SimulationConfig
from simulator.sending.bulk import PRODUCERS, blocks, fastest
from spark_jobs.settings import JobSettings, payments_home

WARM_EVENTS = 20_000
SCHEMA_ID = 1
RULES = """mapping = 1
version = "1"
FORMAT
[[ignore]]
rule = "no-payment"
path = "type"
is_not = "payment"

[fields]
transaction_id = "data.id"
event_time = "data.made_at"
sender_account_id = "data.payer.account"
receiver_account_id = "data.payee.account"
currency = "data.amount.currency"
country = "data.payee.country"
device_id = "data.payer.device.id"
device_type = "lower(data.payer.device.kind)"
ip_address = "data.payer.device.address"
merchant_category = "data.payee.category"

[fields.amount]
from = "data.amount.value"
unit = "major"

[fields.payment_method]
from = "data.method"

[fields.payment_method.map]
CARD = "card"
TRANSFER = "bank_transfer"
WALLET = "wallet"
CASH = "cash"
"""
METHODS = {"card": "CARD", "bank_transfer": "TRANSFER", "wallet": "WALLET", "cash": "CASH"}


def _record(name: str, **fields: object) -> dict[str, object]:
    return {"type": "record", "name": name, "fields": [{"name": key, "type": type_} for key, type_ in fields.items()]}


_MAYBE = ["null", "string"]
SCHEMA = _record(
    "Event",
    type="string",
    data=_record(
        "Payment",
        id="string",
        made_at="string",
        amount=_record("Amount", value="string", currency="string"),
        payer=_record("Payer", account="string", device=_record("Device", id=_MAYBE, kind=_MAYBE, address=_MAYBE)),
        payee=_record("Payee", account="string", country=_MAYBE, category=_MAYBE),
        method=_MAYBE,
    ),
)


def nested(value: bytes) -> dict[str, Any]:
    """A record of the contract as a producer of another house would write it: the same texts at other places."""
    payment = json.loads(value)
    device = {
        "id": payment.get("device_id"),
        "kind": payment.get("device_type"),
        "address": payment.get("ip_address"),
    }
    return {
        "type": "payment",
        "data": {
            "id": payment["transaction_id"],
            "made_at": payment["event_time"],
            "amount": {"value": payment["amount"], "currency": payment["currency"]},
            "payer": {"account": payment["sender_account_id"], "device": device},
            "payee": {
                "account": payment["receiver_account_id"],
                "country": payment.get("country"),
                "category": payment.get("merchant_category"),
            },
            "method": METHODS.get(payment.get("payment_method", "")),
        },
    }


def as_json(value: bytes) -> bytes:
    """The nested record as JSON."""
    return json.dumps(nested(value), separators=(",", ":")).encode()


def as_avro(value: bytes) -> bytes:
    """The nested record in the registry's wire format."""
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, _PARSED, nested(value))
    return struct.pack(">bI", 0, SCHEMA_ID) + stream.getvalue()


_PARSED = fastavro.parse_schema(json.loads(json.dumps(SCHEMA)))


@dataclass(frozen=True, slots=True)
class Form:
    """A way to write the same payments. `format` is the mapping's; without one there is no mapping."""

    name: str
    title: str
    write: Callable[[bytes], bytes]
    format: str | None


FORMS = (
    Form("contract", "the contract's JSON, no mapping", bytes, None),
    Form("nested", "nested JSON, a mapping", as_json, "json"),
    Form("avro", "the same in Avro, with a registry, a mapping", as_avro, "avro"),
)


class _OneSchema(http.server.BaseHTTPRequestHandler):
    """What a registry answers to the only question that is asked."""

    def do_GET(self) -> None:  # the base class names it so
        content = json.dumps({"schema": json.dumps(SCHEMA)}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@contextmanager
def one_schema() -> Iterator[str]:
    """The address of a server that knows SCHEMA."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _OneSchema) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def fill(settings: JobSettings, events: int) -> dict[str, Task]:
    """Topics of every form, with the same payments in the same order; by the form's name."""
    topics = {(form.name, kind): f"{form.name}-{kind}" for form in FORMS for kind in ("warm", "full")}
    for topic in topics.values():
        ensure_topic(settings.bootstrap_servers, topic)
    for kind, count, seed in (("warm", min(WARM_EVENTS, events), 1), ("full", events, 2)):
        sent = list(blocks(SimulationConfig(events=count, seed=seed, retry_rate=0.1), datetime.now(UTC)))
        for form in FORMS:
            producer = PRODUCERS[fastest()](settings.bootstrap_servers, topics[form.name, kind])
            with producer as client, client.acknowledging():
                for block in sent:
                    client.send_all(block.keys, [form.write(value) for value in block.values])
    return {
        form.name: Task(
            bootstrap_servers=settings.bootstrap_servers,
            warm_topic=topics[form.name, "warm"],
            warm_ends=ends(settings, topics[form.name, "warm"]),
            topic=topics[form.name, "full"],
            ends=ends(settings, topics[form.name, "full"]),
        )
        for form in FORMS
    }


def drain(form: Form, task: Task, settings: JobSettings, folder: Path, servers: list[int], registry: str) -> Reading:
    """One run of ours over a form's topic."""
    folder.mkdir(parents=True)
    env = {**settings.environment(), "PAYMENTS_HOME": str(folder.parent)}
    if form.format:
        mapping = folder.with_suffix(".toml")
        mapping.write_text(RULES.replace("FORMAT", f'format = "{form.format}"'))
        env |= {"PAYMENTS_EVENT_MAPPING": str(mapping), "SCHEMA_REGISTRY_URL": registry}
    broker, warehouse = servers
    return contest.run(OURS, task, folder, payments_home(), broker=broker, servers=(warehouse,), env=env)


def measure(events: int, rounds: int) -> list[list[str]]:
    """Rows of the table: rates, ratios to the contract's, and whether the payments are the same.

    Raises:
        ValueError: a form's payments are not those of the contract's JSON.
    """
    readings: dict[str, list[tuple[float, float]]] = {form.name: [] for form in FORMS}
    with tempfile.TemporaryDirectory() as name, stack(Path(name)) as (settings, servers), one_schema() as registry:
        tasks = fill(settings, events)
        for number in range(rounds):
            truth = None
            for form in FORMS[number % len(FORMS) :] + FORMS[: number % len(FORMS)]:
                task = tasks[form.name]
                own = replace(settings, topic=task.topic, dataset=f"{form.name}_{number}")
                reading = drain(form, task, own, Path(name) / f"{form.name}-{number}", servers, registry)
                readings[form.name].append((task.records / reading.seconds, reading.cpu / task.records * 1e6))
                print(form.name, *readings[form.name][-1], flush=True)  # noqa: T201 - this is a command
                found = oracle.in_warehouse(own)
                if found.rows != events or (truth is not None and found != truth):
                    raise ValueError(f"The {form.name} topic's payments are not those that were sent: {found}")
                truth = found
    medians = {name: [statistics.median(kind) for kind in zip(*runs, strict=True)] for name, runs in readings.items()}
    rate, cpu = medians["contract"]
    return [
        [form.title, f"{its[0]:,.0f}", f"{its[0] / rate:.0%}", f"{its[1]:.1f}", f"{cpu / its[1]:.0%}"]
        for form in FORMS
        for its in [medians[form.name]]
    ]


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=400_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--dry", action="store_true", help="keep nothing")
    options = parser.parse_args()
    rows = measure(options.events, options.rounds)
    columns = ["topic", "events/s", "of the contract's rate", "CPU s per million", "the contract's CPU, of it"]
    shown = measured(f" that the broker shares; {options.events:,} payments and 10 % retries") + table(columns, rows)
    print(shown)  # noqa: T201 - this is a command
    if not options.dry:
        write_table(ROOT / "docs" / "formats.md", "formats", shown)


if __name__ == "__main__":
    main()
