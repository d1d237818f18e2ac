"""Reconciliation: all of its views pass; one row is deleted by hand, and they say which; it is put back.

Belongs here: the deed, and what is shown. Does not belong here: the views (dbt_project), the rules (verification).
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from orchestration.scenarios.harness.dbt_models import build_models
from orchestration.scenarios.harness.proofs import breaks_of
from orchestration.scenarios.harness.sandbox import Sandbox
from orchestration.scenarios.harness.transcript import Transcript
from spark_jobs.tables.row_types import Row

EVENTS = 1_000
VIEWS = ("reconciliation_daily", "reconciliation_batches", "reconciliation_control_totals")
RULES = (
    "assert_offsets_equal_dispositions",
    "assert_control_totals_agree",
    "assert_days_have_no_duplicates",
    "assert_every_unique_delivery_is_a_payment",
)
"""The dbt tests that guard them; each is a view of the rows that break it."""


def run(sandbox: Sandbox, transcript: Transcript) -> None:
    """Reconciliation of the sender's totals, Kafka's offsets and the warehouse: a payment deleted by hand is named."""
    from orchestration.assets.kafka_offsets import replace_kafka_offsets
    from orchestration.control_totals.reports import report
    from spark_jobs.source.topic import TopicReader

    transcript.step(f"Send {EVENTS:,} payments, publish them, take in the sender's report, build the views")
    manifest = sandbox.simulate(EVENTS, seed=1)
    sandbox.drain()
    report(sandbox.client, sandbox.settings, manifest)
    with TopicReader(sandbox.settings.bootstrap_servers, sandbox.settings.topic) as topic:
        replace_kafka_offsets(sandbox.client, sandbox.settings, topic.read())
    build_models(sandbox, "the views of reconciliation", (*VIEWS, *RULES))
    examine(sandbox, transcript)


def examine(sandbox: Sandbox, transcript: Transcript) -> None:
    """The same in a dataset whose views are built: look, delete a payment by hand, look, put it back, look."""
    before = _look(sandbox, transcript, "Untouched")
    [victim] = sandbox.ask("select * from {payment_transactions} order by kafka_partition, kafka_offset limit 1")
    place = f"{victim['topic']} {victim['kafka_partition']}:{victim['kafka_offset']}"
    with _deleted(sandbox, victim):
        transcript.say(f"Deleted by hand: the payment at {place}, {victim['amount']} {victim['currency']}.")
        broken = _look(sandbox, transcript, "With a payment deleted")
        named = breaks_of(sandbox)
        for line in named:
            transcript.say(f"payments verify: {line}")
        red = {(row["kafka_partition"], row["kafka_offset"]) for row in _broken_rows(sandbox, RULES[-1])}
    after = _look(sandbox, transcript, "Put back")
    sound = {name: ["PASS"] for name in (*VIEWS, *RULES)}
    transcript.claim("untouched, every view and rule passes", sound, before)
    # The sender's totals are held against what was delivered, and that is as it was.
    failing = {"reconciliation_batches", RULES[0], RULES[3]}
    transcript.claim(
        "deleted, these fail", sorted(failing), sorted(name for name, found in broken.items() if found != ["PASS"])
    )
    transcript.claim("the check names the record", {(victim["kafka_partition"], victim["kafka_offset"])}, red)
    agree = "a UNIQUE or corrected delivery and its payment agree"
    transcript.claim("so does `payments verify`", True, f"{agree}: {place}" in named)
    transcript.claim("put back, every view and rule passes", sound, after)


def _look(sandbox: Sandbox, transcript: Transcript, when: str) -> dict[str, list[str]]:
    """By view or rule, the kinds of answers there are; PENDING is none yet."""
    transcript.step(when)
    found: dict[str, list[str]] = {}
    rows: list[tuple[object, ...]] = []
    for view in VIEWS:
        counts = Counter(row["status"] for row in sandbox.ask(f"select status from `{{dataset}}.{view}`"))
        found[view] = sorted(set(counts) - {"PENDING"})
        rows += [(view, status, count) for status, count in sorted(counts.items())]
    for rule in RULES:
        count = len(_broken_rows(sandbox, rule))
        found[rule] = ["FAIL" if count else "PASS"]
        rows.append((rule, found[rule][0], count))
    transcript.table("", ("view or rule", "status", "rows"), rows)
    return found


def _broken_rows(sandbox: Sandbox, rule: str) -> list[Row]:
    return sandbox.ask(f"select * from `{{dataset}}.{rule}`")


@contextmanager
def _deleted(sandbox: Sandbox, victim: Row) -> Iterator[None]:
    """Without that payment; whatever happens, it is put back."""
    copy = "`{dataset}.payment_put_aside`"
    where = "where topic = @topic and kafka_partition = @kafka_partition and kafka_offset = @kafka_offset"
    place = {name: victim[name] for name in ("topic", "kafka_partition", "kafka_offset")}
    sandbox.ask(f"create or replace table {copy} as select * from {{payment_transactions}} {where}", **place)
    try:
        sandbox.ask(f"delete from {{payment_transactions}} {where}", **place)
        yield
    finally:
        sandbox.ask(f"insert into {{payment_transactions}} select * from {copy}")
        sandbox.ask(f"drop table {copy}")
