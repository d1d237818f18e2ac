"""The `payments` command by its own door: the way from the README, what verification sees, what errors look like."""

import json
import re
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import dagster as dg
import pytest
from pyspark.sql import SparkSession

from handbook.console import AFTER_THE_STEPS, Step, agrees, examples
from handbook.links import ROOT
from handbook.not_run import drill
from local_stack.processes import is_port_free
from orchestration.cli.decisions import erase
from orchestration.dashboard.statements import QUERIES
from orchestration.platform.dagster_home import open_instance
from orchestration.resources.bigquery import PaymentsBigQueryResource
from orchestration.scenarios import reconciliation
from orchestration.scenarios.harness.sandbox import Sandbox
from orchestration.scenarios.harness.transcript import Transcript
from orchestration.sensors import rebuild_sensor
from orchestration.settings import DBT_PROJECT_DIR
from orchestration.verification.proof import examine
from simulator.sending.manifest import Manifest, read_manifest
from spark_jobs.contract.payment_event import Disposition
from spark_jobs.tables import catalog
from spark_jobs.tables.names import sql_names, table_id
from spark_jobs.warehouse.client import connect, run
from tests.docs.reader import normal
from tests.integration.command import Command, platform

pytestmark = pytest.mark.integration

EVENTS = 5_000
CANARY = "a-canary-of-a-secret"
ACCOUNT = rb"acc-[0-9]{7}"
PROVED = {"ok": True, "breaks": [], "accepted_gaps": [], "not_reread": {}}


@pytest.fixture(scope="module")
def payments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    with platform(tmp_path_factory.mktemp("command"), CANARY_PASSWORD=CANARY) as command:
        yield command


@pytest.fixture(scope="module")
def proved(payments: Command) -> dict[str, Any]:
    """What verification says after the README's five commands, of fewer payments, with the sender's totals."""
    up, simulate, *others, verify = (line.split()[1:] for line in drill("README.md", "step by step"))
    simulate[simulate.index("--events") + 1] = str(EVENTS)
    for words in (up, [*simulate, "--control-totals", "totals.csv"], *others):
        payments.succeed(*words)
    answer: dict[str, Any] = json.loads(payments.succeed(*verify))
    return answer


@pytest.fixture(scope="module")
def first(payments: Command, proved: dict[str, Any]) -> Manifest:
    assert proved["ok"]
    return read_manifest(payments.folder / "m.json")


def verified(payments: Command, manifest: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(payments.succeed("verify", "--manifest", manifest, "--json"))
    return answer


def ask(payments: Command, sql: str, **parameters: Any) -> list[dict[str, Any]]:
    """Rows of a statement in which `{table}` is a table of ours."""
    job = payments.settings.job
    names = sql_names(job)
    with connect(job) as client:
        return run(client, sql.format(**names), parameters)


def tallies(*manifests: Manifest) -> list[dict[str, int]]:
    """What the senders say ought to be in each partition, in the words of `verify --json`."""
    counts = Counter((r.partition, r.disposition) for manifest in manifests for r in manifest.deliveries)
    partitions = sorted({partition for partition, _ in counts})
    return [
        {"partition": at, "delivered": sum(counts[at, d] for d in Disposition)}
        | {disposition.lower(): counts[at, disposition] for disposition in Disposition}
        | {"erased": 0}
        for at in partitions
    ]


def told_of(*manifests: Manifest) -> dict[str, list[dict[str, int]]]:
    """What `verify --json` says of the partitions where all records were published, and no offset is a hole."""
    partitions = tallies(*manifests)
    counts = [(row["partition"], row["delivered"]) for row in partitions]
    offsets = [{"partition": at, "offsets": n, "delivered": n, "holes": 0} for at, n in counts]
    return {"partitions": partitions, "offsets": offsets}


def test_the_readmes_way_ends_with_what_the_simulator_intended(
    payments: Command, proved: dict[str, Any], first: Manifest
) -> None:
    assert len(first.deliveries) >= EVENTS
    assert proved == PROVED | told_of(first) | {"manifest": tallies(first)}
    assert {record.disposition for record in first.deliveries} == set(Disposition) - {Disposition.IGNORED}, (
        "only a mapping ignores"
    )
    stored = ask(payments, "select kafka_partition, kafka_offset, disposition from {payment_deliveries}")
    assert len(stored) == len(first.deliveries)
    assert {tuple(row.values()) for row in stored} == {(r.partition, r.offset, r.disposition) for r in first.deliveries}


@pytest.mark.usefixtures("first")
def test_the_dashboard_is_one_file_that_says_yes_and_names_no_account_and_no_address(payments: Command) -> None:
    payments.succeed("dashboard", "--html", "page.html")
    page = (payments.folder / "page.html").read_text()
    assert re.search(r"Yes: every payment is counted once, up to offset [\d,]+ of partition 0", page)
    assert set(re.findall(r'<p class="trouble"[^>]*>[^<]*', page)) == {'<p class="trouble" hidden>'}
    [quarantine] = re.findall(r'<section id="quarantine".*?</section>', page, re.DOTALL)
    assert f"<td>{payments.settings.job.topic}/" in quarantine, "no sample is shown"
    assert not re.search(ACCOUNT.decode(), page)
    assert not re.search(r"\b\d{1,3}(\.\d{1,3}){3}\b", page)

    nowhere = payments.but(KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1", BIGQUERY_EMULATOR_HOST="http://127.0.0.1:1")
    nowhere.succeed("dashboard", "--html", "down.html")
    down = (payments.folder / "down.html").read_text()
    assert re.search(r"Not known now: the warehouse does not answer. At .{16} UTC it was: yes: every payment", down)
    assert "The broker does not answer: how much waits there is not known." in down


SHOWN = [
    step
    for example in examples((ROOT / "docs/dashboard.md").read_text())
    if example.runs == AFTER_THE_STEPS
    for step in example.steps
]


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize("step", SHOWN, ids=lambda step: step.command)
def test_a_monitoring_query_prints_what_its_page_shows(payments: Command, step: Step) -> None:
    [hours] = ask(payments, "select count(distinct timestamp_trunc(published_at, hour)) as n from {batch_ledger}")
    if hours["n"] > 1:
        pytest.skip("The batches were published in two hours: run it again, and the page's one row is there.")
    printed = payments.succeed(*step.command.split()[1:])
    assert agrees(tuple(normal("\n".join(step.printed))), normal(printed)), printed


def test_the_page_shows_what_each_monitoring_query_prints() -> None:
    assert [step.command for step in SHOWN] == [f"payments query {name}" for name in QUERIES]
    assert all(QUERIES[step.command.split()[-1]].healthy in "\n".join(step.printed) for step in SHOWN)


@contextmanager
def tampered(payments: Command, table: catalog.Table, sql: str, **parameters: Any) -> Iterator[None]:
    """The table altered by hand, and put back."""
    name = f"{{{table.name}}}"
    copy = f"`{table_id(payments.settings.job, table)}_as_it_was`"
    ask(payments, f"create table {copy} as select * from {name}")
    try:
        ask(payments, sql, **parameters)
        yield
    finally:
        ask(payments, f"delete from {name} where true")
        ask(payments, f"insert into {name} select * from {copy}")
        ask(payments, f"drop table {copy}")


ONE = "kafka_partition = 0 and kafka_offset = @kafka_offset"
FIRST = "batch_id = 1"
ALTERATIONS = {
    catalog.TRANSACTIONS: ("amount = amount + 1", ONE),
    catalog.DELIVERIES: ("disposition = 'LATE'", ONE),
    catalog.LEDGER: ("late_count = late_count + 1", FIRST),
    catalog.LEDGER_PARTITIONS: (
        "unique_count = unique_count - 1, late_count = late_count + 1",
        f"{FIRST} and kafka_partition = 0",
    ),
    catalog.LEDGER_AMOUNTS: (
        "amount_minor = amount_minor + 1",
        f"{FIRST} and disposition = 'UNIQUE' and currency = 'EUR'",
    ),
    catalog.CONTROL: ("last_batch_id = last_batch_id + 1", "true"),
    catalog.CONTROL_TOTALS: ("delivered_count = delivered_count + 1", "kafka_partition = 0 and currency = 'EUR'"),
}
HOWS = {
    "deleted": "delete from {name} where {where}",
    "doubled": "insert into {name} select * from {name} where {where}",
    "altered": "update {name} set {change} where {where}",
}


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("table", ALTERATIONS, ids=lambda table: table.name)
def test_verification_finds_a_row_that_a_hand_has_touched_in_any_table(
    payments: Command, first: Manifest, table: catalog.Table, how: str
) -> None:
    change, where = ALTERATIONS[table]
    offset = next(r.offset for r in first.deliveries if r.partition == 0 and r.disposition is Disposition.UNIQUE)
    sql = HOWS[how].format(name=f"{{{table.name}}}", change=change, where=where)
    parameters = {"kafka_offset": offset} if where == ONE else {}
    with tampered(payments, table, sql, **parameters):
        assert examine(payments.settings, first).breaks


@pytest.mark.usefixtures("first")
def test_verification_says_what_it_could_not_judge(payments: Command) -> None:
    assert payments.succeed("verify").endswith("Proved: every rule holds.\nNothing waits in Kafka.\n")
    nowhere = payments.but(KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1").succeed("verify")
    assert "Whether more waits in Kafka is not known: " in nowhere


@pytest.mark.usefixtures("first")
def test_a_stack_that_is_up_is_not_moved_to_other_ports(payments: Command) -> None:
    before = payments.processes()
    at = payments.env["KAFKA_BOOTSTRAP_SERVERS"]
    moved = payments.but(KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    done = moved.run("up", "--no-ui")
    assert done.returncode == 1
    assert f"KAFKA_BOOTSTRAP_SERVERS={at} (here it is 127.0.0.1:1)" in done.stderr
    assert f"up elsewhere: {at}" in moved.succeed("status")
    assert payments.processes() == before


@pytest.mark.usefixtures("first")
def test_a_day_without_batches_is_not_called_audited(payments: Command) -> None:
    assert "there is nothing to audit" in payments.succeed("audit", "2020-01-01")


def test_verification_says_which_rule_a_hand_has_broken_and_where(payments: Command, first: Manifest) -> None:
    offset = next(r.offset for r in first.deliveries if r.partition == 0 and r.disposition is Disposition.UNIQUE)
    sql = f"update {{payment_transactions}} set amount = amount + 1 where {ONE}"
    with tampered(payments, catalog.TRANSACTIONS, sql, kafka_offset=offset):
        done = payments.run("verify")
    assert done.returncode == 1, done.stdout
    assert f"BROKEN: the amount of a payment is its minor units: payment-events 0:{offset}:" in done.stdout
    assert done.stderr == ""


def test_a_second_day_of_work_is_proved_beside_the_first(payments: Command, first: Manifest) -> None:
    payments.succeed("simulate", "--events", "2000", "--seed", "8", "--manifest", "n.json")
    payments.succeed("process")
    second = read_manifest(payments.folder / "n.json")
    answer = verified(payments, "n.json")
    assert answer == PROVED | told_of(first, second) | {"manifest": tallies(second)}
    assert verified(payments, "m.json") == {**answer, "manifest": tallies(first)}
    audited = json.loads(payments.succeed("audit", "--all", "--json"))
    [newest] = ask(payments, "select last_batch_id, digest from {pipeline_control}")
    assert sum(len(day["batches"]) for day in audited["days"]) == newest["last_batch_id"]
    assert audited["days"][-1]["closing_digest"] == newest["digest"]


@pytest.mark.usefixtures("first")
def test_reconciliation_names_a_payment_that_a_hand_has_deleted(payments: Command) -> None:
    transcript = Transcript(is_silent=True)
    job = payments.settings.job
    with connect(job) as client:
        reconciliation.examine(Sandbox(job, cast(SparkSession, None), payments.folder, client), transcript)
    assert transcript.is_proved, transcript.failure()


@pytest.mark.usefixtures("first")
def test_a_replay_is_first_shown_and_then_done_on_record(payments: Command) -> None:
    def payments_counted() -> int:
        [row] = ask(payments, "select count(*) as n from {payment_transactions}")
        return int(row["n"])

    before = payments_counted()
    assert "There is nothing to send." in payments.succeed("replay"), "no rule has been mended"
    shown = payments.succeed("replay", "--late")
    assert "Late payments that would become ADMITTED_LATE" in shown
    assert payments_counted() == before
    assert payments.run("replay", "--late", "--yes").returncode == 2, "nothing is decided without a why"

    message = payments.succeed("replay", "--late", "--yes", "--why", "agreed with the senders")
    assert "rebuild sensor is not running, so they are built here" in message
    admitted = ask(payments, "select reason, payments_added from {payment_corrections}")
    assert {row["reason"] for row in admitted} == {"agreed with the senders"}
    assert payments_counted() == before + sum(row["payments_added"] for row in admitted) > before
    assert verified(payments, "m.json")["ok"]
    assert "No late payment waits" in payments.succeed("replay", "--late")
    held = "select sum(payment_count) as n from `{project}.{dataset}.payment_metrics`"
    job = payments.settings.job
    with connect(job) as client:
        [row] = run(client, held.format(project=job.project, dataset=job.dataset), {})
    assert row["n"] == payments_counted(), "the decision was built"


@pytest.mark.usefixtures("first")
def test_the_rebuild_sensor_sees_a_decision_on_an_idle_topic_until_it_is_built(payments: Command) -> None:
    job = payments.settings.job
    # What is decided is built at once, or after a minute: here only what is decided counts.
    at_once = replace(payments.settings, build_interval_seconds=0)
    resources = {"settings": at_once, "bigquery": PaymentsBigQueryResource.from_job_settings(job)}

    def tick() -> list[dg.RunRequest | dg.SkipReason]:
        with open_instance(payments.settings) as instance:
            context = dg.build_sensor_context(instance=instance, resources=resources)
            return list(cast(Any, rebuild_sensor(context)))

    [before] = tick()
    assert isinstance(before, dg.SkipReason)
    assert "nothing new" in str(before.skip_message)
    ask(payments, "update {pipeline_control} set correction_count = correction_count + 1 where true")
    [after] = tick()
    ask(payments, "update {pipeline_control} set correction_count = correction_count - 1 where true")
    assert isinstance(after, dg.RunRequest)
    assert "/decision-" in str(after.run_key)


def test_a_senders_file_is_loaded_once_in_place_of_what_it_reported_before(payments: Command, first: Manifest) -> None:
    assert "control totals of" in payments.succeed("load-totals", "totals.csv")
    assert "is loaded already" in payments.succeed("load-totals", "totals.csv")
    assert examine(payments.settings, first).breaks == []


def test_an_account_is_first_shown_and_then_erased_on_record(payments: Command, first: Manifest) -> None:
    assert first.deliveries
    [row] = ask(payments, "select sender_account_id as id from {payment_transactions} limit 1")
    named = "select 1 from {payment_transactions} where @id in (sender_account_id, receiver_account_id)"
    assert "To erase it for good" in payments.succeed("erase", row["id"])
    assert ask(payments, named, id=row["id"])
    with connect(payments.settings.job) as client:
        erase.carry_out(client, payments.settings, row["id"], "asked")
    assert not ask(payments, named, id=row["id"])
    assert "Nothing names the account any more." in payments.succeed("erase", row["id"])
    answer = verified(payments, "m.json")
    assert (answer["ok"], answer["breaks"]) == (True, [])
    assert sum(partition["erased"] for partition in answer["partitions"]) > 0
    assert json.loads(payments.succeed("audit", "--all", "--json"))["ok"]


def test_no_log_and_no_artifact_names_an_account_or_a_secret(payments: Command, first: Manifest) -> None:
    assert first.deliveries
    [row] = ask(payments, "select sender_account_id as id from {payment_transactions} limit 1")
    assert re.fullmatch(ACCOUNT, row["id"].encode()), "accounts look otherwise now"
    home = payments.settings.home
    looked_at = 0
    for folder in (home / "logs", home / "dagster", home / "run", DBT_PROJECT_DIR / "target", DBT_PROJECT_DIR / "logs"):
        for path in (path for path in folder.rglob("*") if path.is_file()):
            found = re.search(ACCOUNT + b"|" + CANARY.encode(), path.read_bytes())
            assert not found, f"{path} names {found and found[0]!r}"
            looked_at += 1
    assert looked_at > 10


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KAFKA_BOOTSTRAP_SERVERS", "not an address"),
        ("BIGQUERY_EMULATOR_HOST", "127.0.0.1:9050"),
        ("DAGSTER_PORT", "70000"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(tmp_path: Path, name: str, value: str) -> None:
    with platform(tmp_path) as payments:
        done = payments.but(**{name: value}).run("up", "--no-ui")
        assert (done.returncode, done.stdout) == (2, "")
        assert_one_line(done.stderr, name, value)
        assert payments.processes() == {}


@pytest.mark.parametrize("name", ["KAFKA_BOOTSTRAP_SERVERS", "BIGQUERY_EMULATOR_HOST"])
def test_a_port_of_another_program_is_one_line_that_names_the_setting(tmp_path: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, platform(tmp_path) as payments:
        port = other.getsockname()[1]
        scheme = "http://" if name == "BIGQUERY_EMULATOR_HOST" else ""
        done = payments.but(**{name: f"{scheme}127.0.0.1:{port}"}).run("up", "--no-ui")
        assert done.returncode == 1
        assert_one_line(done.stderr, name, f"Port {port} of 127.0.0.1 is taken")


def assert_one_line(text: str, *words: str) -> None:
    assert text.count("\n") == 1, text
    assert all(word in text for word in words), text


@pytest.mark.usefixtures("first")
def test_down_leaves_nothing_running(payments: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = payments.but(DAGSTER_PORT=str(other.getsockname()[1])).run("up")
        assert done.returncode == 1
        assert_one_line(done.stderr, "DAGSTER_PORT", "is taken by another program")
    job = payments.settings.job
    ports = [int(address.rpartition(":")[2]) for address in (job.bootstrap_servers, job.emulator_host or "")]
    assert len(payments.processes()) >= 2
    assert not any(is_port_free("127.0.0.1", port) for port in ports)
    payments.succeed("down")
    assert payments.processes() == {}
    assert all(is_port_free("127.0.0.1", port) for port in ports)
    assert list((payments.settings.home / "run").glob("*.pid")) == []
