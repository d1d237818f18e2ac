import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pytest
from google.cloud import bigquery

from local_stack.bigquery.emulator import Warehouse
from local_stack.processes import free_port
from orchestration.backtest.run import BacktestConfig, run_backtest
from orchestration.backtest.scoring import Backtest
from orchestration.settings import read_stack_settings
from spark_jobs.settings import JobSettings, payments_home, read_job_settings
from spark_jobs.tables.catalog import TABLES
from spark_jobs.warehouse.client import connect, run
from spark_jobs.warehouse.table_setup import ensure_tables, schema_of
from tests.dbt.sample import Row, Tables

PROJECT = Path(__file__).parents[2] / "dbt_project"


@dataclass(frozen=True)
class Build:
    """What one `dbt build` did: status by the node's name, which views it kept as they were, and what it printed."""

    exit_code: int
    statuses: dict[str, str]
    kept: set[str]
    output: str

    def not_green(self) -> dict[str, str]:
        return {name: status for name, status in self.statuses.items() if status not in ("success", "pass")}


@dataclass(frozen=True)
class DbtWarehouse:
    """A real local warehouse with the product's tables, and dbt to build on it."""

    settings: JobSettings
    client: bigquery.Client
    folder: Path
    project: Path = PROJECT

    def fill(self, data: Tables, only: set[str] | None = None) -> None:
        """Replace the rows of the tables (default: all) by these."""
        for table in TABLES:
            if only is None or table.name in only:
                self._fill(table.name, data[table.name], schema_of(table))

    def _fill(self, name: str, rows: list[Row], schema: list[bigquery.SchemaField]) -> None:
        if rows:
            config = bigquery.LoadJobConfig(schema=schema, write_disposition="WRITE_TRUNCATE")
            self.client.load_table_from_json(rows, self._id(name), job_config=config).result()
        else:
            run(self.client, f"delete from `{self._id(name)}` where true", {})

    def build(self, *options: str) -> Build:
        command = [sys.executable, "-m", "dbt.cli.main", "build", *self.folders(), *options]
        env = os.environ | {"BIGQUERY_EMULATOR_HOST": self.settings.emulator_host or "", "DBT_TARGET": "local"}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=600)
        results = json.loads((self.folder / "target" / "run_results.json").read_text())["results"]
        names = {result["unique_id"]: result["unique_id"].split(".", 2)[2].split(".")[0] for result in results}
        return Build(
            done.returncode,
            {names[result["unique_id"]]: result["status"] for result in results},
            {names[result["unique_id"]] for result in results if result["adapter_response"].get("code") == "KEPT"},
            done.stdout,
        )

    def folders(self) -> list[str]:
        """The options that say where dbt reads and writes."""
        folders = {
            "project-dir": self.project,
            "profiles-dir": self.project,
            "target-path": self.folder / "target",
            "log-path": self.folder / "logs",
        }
        return [f"--{name}={path}" for name, path in folders.items()]

    def red(self, rules: Iterable[str]) -> set[str]:
        """Those of the rules that see something, by the views in which dbt keeps their failures."""
        counts = (f"select '{rule}' as rule, count(*) as failures from `{self._id(rule)}`" for rule in rules)
        return {row["rule"] for row in run(self.client, " union all ".join(counts), {}) if row["failures"]}

    def rows(self, relation: str) -> list[dict[str, Any]]:
        return run(self.client, f"select * from `{self._id(relation)}`", {})

    def run(self, sql: str) -> None:
        """A statement in which `{name}` is a table or a mart."""
        run(self.client, re.sub(r"\{(\w+)\}", lambda name: f"`{self._id(name[1])}`", sql), {})

    def failures(self, test: str, arguments: dict[str, Any], rows: str) -> list[dict[str, Any]]:
        """What a generic test of the project says of the rows that a query gives."""
        text = (PROJECT / f"tests/generic/{test}.sql").read_text()
        body = re.sub(r"{%-? (test .*?|endtest) -?%}", "", text)
        names = {"none": None, "model": f"({rows})", "key": None, "ref": lambda _: ""} | arguments
        return run(self.client, jinja2.Template(body).render(names), {})

    def backtest(self, config: BacktestConfig) -> Backtest:
        env = {"PAYMENTS_HOME": str(self.folder), "BIGQUERY_EMULATOR_HOST": self.settings.emulator_host or ""}
        return run_backtest(read_stack_settings(env), config, lambda _line: None)

    def measured(self, model: str, payments: str) -> dict[str, dict[str, Any]]:
        """What the compiled model says of these payments, in place of the deduplicated ones, by transaction_id."""
        found = self.folder.glob(f"target/compiled/*/models/*/**/{model}.sql")
        # A unit test's is below its yml.
        [compiled] = [path for path in found if not any(folder.suffix == ".yml" for folder in path.parents)]
        dataset = f"`{self.settings.project}`.`{self.settings.dataset}`"
        source = f"{dataset}.`int_payments__valued`"
        sql = compiled.read_text()
        assert source in sql
        rows = run(self.client, sql.replace(source, f"({payments.format(dataset=dataset)})"), {})
        return {row["transaction_id"]: row for row in rows}

    def _id(self, name: str) -> str:
        return f"{self.settings.project}.{self.settings.dataset}.{name}"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DbtWarehouse]:
    home = tmp_path_factory.mktemp("home")
    (home / "warehouse-env").symlink_to(payments_home() / "warehouse-env")
    endpoint = f"http://127.0.0.1:{free_port('127.0.0.1')}"
    settings = read_job_settings({"PAYMENTS_HOME": str(home), "BIGQUERY_EMULATOR_HOST": endpoint})
    server = Warehouse(home, endpoint, settings.project)
    try:
        server.start()
        client = connect(settings)
        ensure_tables(client, settings)
        yield DbtWarehouse(settings, client, home)
        client.close()
    finally:
        server.stop()
