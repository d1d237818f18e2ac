"""The platform on one machine: broker, warehouse, Dagster, dashboard, steady traffic. Starts, stops, says what is up.

Belongs here: the order of things. Does not belong here: how a part is started (local_stack), printing (cli).
Where the warehouse or the cluster is somebody else's, it is asked, and left alone.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.client import HTTPException
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

from local_stack.bigquery.emulator import Warehouse
from local_stack.kafka import Broker
from local_stack.processes import Daemon, StackError, is_port_free
from orchestration.platform.dagster_home import open_instance, prepare_dagster_home
from orchestration.settings import PROJECT_ROOT, StackSettings, child_environment

Say = Callable[[str], None]

DEFAULT_RATE = 20.0
"""Payments a second that are simulated on a platform of ours alone."""
UI_SECONDS = 180.0
DASHBOARD_SECONDS = 180.0
_LOCATIONS = """
{ workspaceOrError { ... on Workspace { locationEntries {
    loadStatus locationOrLoadError { __typename ... on PythonError { message } } } } } }
"""


@dataclass(frozen=True, slots=True)
class Stack:
    """The parts, each known by its pid file below `settings.home`."""

    settings: StackSettings

    @property
    def broker(self) -> Broker:
        """Kafka."""
        return Broker(self.settings.home, self.settings.job.bootstrap_servers)

    @property
    def warehouse(self) -> Warehouse | None:
        """The local warehouse; None where the warehouse is BigQuery itself."""
        job = self.settings.job
        return None if job.emulator_host is None else Warehouse(self.settings.home, job.emulator_host, job.project)

    @property
    def dagster(self) -> Daemon:
        """`dagster dev`: UI, daemon and code server."""
        return Daemon("dagster", self.settings.home, setting="DAGSTER_PORT", value=str(self.settings.dagster_port))

    @property
    def dashboard(self) -> Daemon:
        """The page of `payments dashboard`, with its metrics."""
        port = str(self.settings.dashboard_port)
        return Daemon("dashboard", self.settings.home, setting="PAYMENTS_DASHBOARD_PORT", value=port)

    @property
    def traffic(self) -> Daemon:
        """Steady simulated payments."""
        return Daemon("simulator", self.settings.home)

    def start_data_plane(self, say: Say) -> None:
        """Broker, topic, warehouse, tables: all that a drain needs. Idempotent.

        Raises:
            StackError: a part cannot start.
        """
        job = self.settings.job
        say(f"Kafka at {job.bootstrap_servers} ...")
        self.broker.start()
        self.broker.provide(job.topic)
        say(f"Warehouse at {job.emulator_host or 'BigQuery'} ...")
        if self.warehouse:
            self.warehouse.start()
        self._open_dataset()
        prepare_dagster_home(self.settings)
        if self.dagster.pid() is None:
            from orchestration.automation.run_records import close_abandoned_runs

            with open_instance(self.settings) as instance:
                close_abandoned_runs(instance)
            self._begin_to_watch_anew()

    def _begin_to_watch_anew(self) -> None:
        """Nobody has watched since Dagster stopped, and nobody was to: that is no silence of the watch."""
        from orchestration.watch.table import forget_observations
        from spark_jobs.warehouse.client import connect

        if self.warehouse and self.warehouse.is_local:
            with connect(self.settings.job) as client:
                forget_observations(client, self.settings.job)

    def start_ui(self, say: Say) -> None:
        """Dagster, until it has loaded our code location.

        Raises:
            StackError: port taken, it died, lives elsewhere, or our code does not load.
        """
        port = self.settings.dagster_port
        say(f"Dagster at {self.settings.dagster_url} ...")
        with self.dagster.locked():
            self.dagster.refuse_elsewhere()
            if self.dagster.pid() is None:
                if not is_port_free("127.0.0.1", port):
                    raise StackError(f"Port {port} of 127.0.0.1 is taken by another program: set DAGSTER_PORT.")
                listen = ["-h", "127.0.0.1", "-p", str(port), "-w", str(PROJECT_ROOT / "workspace.yaml")]
                command = [sys.executable, "-m", "dagster", "dev", *listen]
                self.dagster.spawn(command, env=child_environment(self.settings))
            self.dagster.wait_until(self.is_ui_ready, UI_SECONDS)

    def start_dashboard(self, say: Say) -> None:
        """The dashboard, until it answers.

        Raises:
            StackError: port taken, it died, or lives elsewhere.
        """
        port = self.settings.dashboard_port
        say(f"Dashboard at {self.settings.dashboard_url} ...")
        with self.dashboard.locked():
            self.dashboard.refuse_elsewhere()
            if self.dashboard.pid() is None:
                if not is_port_free("127.0.0.1", port):
                    raise StackError(
                        f"Port {port} of 127.0.0.1 is taken by another program: set PAYMENTS_DASHBOARD_PORT."
                    )
                command = [sys.executable, "-m", "orchestration.cli.app", "dashboard", "--port", str(port)]
                self.dashboard.spawn(command, env=child_environment(self.settings))
            self.dashboard.wait_until(self.is_dashboard_ready, DASHBOARD_SECONDS)

    def is_dashboard_ready(self) -> bool:
        """Whether the dashboard answers."""
        try:
            with build_opener(ProxyHandler({})).open(f"{self.settings.dashboard_url}/healthz", timeout=5) as answer:
                return bool(answer.read() == b"ok\n")
        except (URLError, HTTPException, OSError):
            return False

    def default_rate(self) -> float:
        """Payments a second to simulate unless a rate is given: none among the records of somebody's own producers."""
        return DEFAULT_RATE if self.broker.is_local and not self.settings.job.event_mapping else 0.0

    def start_traffic(self, rate: float, say: Say) -> None:
        """Steady payments, `rate` per second, unless they flow already: then they go on as they do."""
        traffic = replace(self.traffic, setting="--rate", value=f"{rate:g}")
        with traffic.locked():
            if flowing := traffic.elsewhere():
                say(f"Traffic goes on at {flowing} payments a second; `payments down` ends it.")
            elif traffic.pid() is None:
                say(f"Traffic: {rate:g} payments a second ...")
                command = [sys.executable, "-m", "orchestration.cli.app", "simulate", "--rate", str(rate)]
                traffic.spawn(command, env=child_environment(self.settings))

    def stop(self, say: Say) -> None:
        """Stop what we started, senders first. Nothing of it is left running."""
        for name, stop in (
            ("traffic", self.traffic.stop),
            ("dashboard", self.dashboard.stop),
            ("Dagster", self.dagster.stop),
            ("warehouse", self.warehouse.stop if self.warehouse else lambda: None),
            ("Kafka", self.broker.stop),
        ):
            say(f"Stopping {name} ...")
            stop()

    def is_anything_up(self) -> bool:
        """Whether any part of ours lives."""
        parts = (self.broker, self.warehouse, self.dagster, self.dashboard, self.traffic)
        return any(part is not None and part.pid() is not None for part in parts)

    def require_data_plane(self) -> None:
        """Refuse to go on without broker and warehouse.

        Raises:
            StackError: naming the one that does not answer.
        """
        job = self.settings.job
        if trouble := self.broker.trouble():
            raise StackError(f"Kafka at {job.bootstrap_servers}: {trouble}")
        self.require_warehouse()

    def require_warehouse(self) -> None:
        """Refuse to go on without the warehouse, and bring its dataset to this version where it is older.

        Raises:
            StackError: the warehouse does not answer.
            Incident: SCHEMA_VERSION.
        """
        self.require_answering_warehouse()
        self._open_dataset()

    def require_answering_warehouse(self) -> None:
        """Refuse to go on without the warehouse. Raises StackError."""
        if self.warehouse and not self.warehouse.is_up():
            endpoint = self.settings.job.emulator_host
            raise StackError(f"The warehouse does not answer at {endpoint}: run `payments up --no-ui` first.")

    def _open_dataset(self) -> None:
        from spark_jobs.warehouse.client import connect
        from spark_jobs.warehouse.table_setup import ensure_tables

        with connect(self.settings.job) as client:
            ensure_tables(client, self.settings.job)

    def is_ui_ready(self) -> bool:
        """Whether the UI answers and has loaded our code.

        Raises:
            StackError: our code does not load.
        """
        request = Request(  # noqa: S310
            f"{self.settings.dagster_url}/graphql",
            data=json.dumps({"query": _LOCATIONS}).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with build_opener(ProxyHandler({})).open(request, timeout=5) as answer:
                entries = json.load(answer)["data"]["workspaceOrError"]["locationEntries"]
        except (URLError, HTTPException, OSError, ValueError, KeyError, TypeError):
            return False
        for entry in entries:
            loaded = entry["locationOrLoadError"] or {}
            if loaded.get("__typename") == "PythonError":
                cause = loaded["message"].strip().splitlines()[-1]
                raise StackError(f"Dagster cannot load orchestration.definitions: {cause}")
        return bool(entries) and all(entry["loadStatus"] == "LOADED" for entry in entries)
