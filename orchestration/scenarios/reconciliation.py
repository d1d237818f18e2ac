"""Reconciliation: all of its views pass; one row is deleted by hand, and they say which; it is put back.

Belongs here: the deed, and what is shown. Does not belong here: the views (dbt_project), the rules (verification.py).
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from orchestration.scenarios.harness.dbt_models import build_models
from orchestration.scenarios.harness.proofs import breaks_of
from orchestration.scenarios.harness.sandbox import Corner, Row
from orchestration.scenarios.harness.transcript import Story

EVENTS = 1_000
VIEWS = ("reconciliation_daily", "reconciliation_batches", "reconciliation_control_totals")
RULES = (
    "assert_offsets_equal_dispositions",
    "assert_control_totals_agree",
    "assert_days_have_no_duplicates",
    "assert_every_unique_delivery_is_a_payment",
)
"""The dbt tests that guard them; each is a view of the rows that break it."""


def run(corner: Corner, story: Story) -> None:
    """Reconciliation of the sender's totals, Kafka's offsets and the warehouse: a payment deleted by hand is named."""
    from orchestration.control_totals.reports import report
    from orchestration.table_loads import replace_kafka_offsets
    from spark_jobs.source.topic import TopicReader

    story.step(f"Send {EVENTS:,} payments, publish them, take in the sender's report, build the views")
    manifest = corner.simulate(EVENTS, seed=1)
    corner.drain()
    report(corner.client, corner.settings, manifest)
    with TopicReader(corner.settings.bootstrap_servers, corner.settings.topic) as topic:
        replace_kafka_offsets(corner.client, corner.settings, topic.read())
    build_models(corner, "the views of reconciliation", (*VIEWS, *RULES))
    examine(corner, story)


def examine(corner: Corner, story: Story) -> None:
    """The same in a dataset whose views are built: look, delete a payment by hand, look, put it back, look."""
    before = _look(corner, story, "Untouched")
    [victim] = corner.ask("select * from {payment_transactions} order by kafka_partition, kafka_offset limit 1")
    place = f"{victim['topic']} {victim['kafka_partition']}:{victim['kafka_offset']}"
    with _deleted(corner, victim):
        story.say(f"Deleted by hand: the payment at {place}, {victim['amount']} {victim['currency']}.")
        broken = _look(corner, story, "With a payment deleted")
        named = breaks_of(corner)
        for line in named:
            story.say(f"payments verify: {line}")
        red = {(row["kafka_partition"], row["kafka_offset"]) for row in _broken_rows(corner, RULES[-1])}
    after = _look(corner, story, "Put back")
    sound = {name: ["PASS"] for name in (*VIEWS, *RULES)}
    story.claim("untouched, every view and rule passes", sound, before)
    # The sender's totals are held against what was delivered, and that is as it was.
    failing = {"reconciliation_batches", RULES[0], RULES[3]}
    story.claim(
        "deleted, these fail", sorted(failing), sorted(name for name, found in broken.items() if found != ["PASS"])
    )
    story.claim("the check names the record", {(victim["kafka_partition"], victim["kafka_offset"])}, red)
    agree = "a UNIQUE or corrected delivery and its payment agree"
    story.claim("so does `payments verify`", True, f"{agree}: {place}" in named)
    story.claim("put back, every view and rule passes", sound, after)


def _look(corner: Corner, story: Story, when: str) -> dict[str, list[str]]:
    """By view or rule, the kinds of answers there are; PENDING is none yet."""
    story.step(when)
    found: dict[str, list[str]] = {}
    rows: list[tuple[object, ...]] = []
    for view in VIEWS:
        counts = Counter(row["status"] for row in corner.ask(f"select status from `{{dataset}}.{view}`"))
        found[view] = sorted(set(counts) - {"PENDING"})
        rows += [(view, status, count) for status, count in sorted(counts.items())]
    for rule in RULES:
        count = len(_broken_rows(corner, rule))
        found[rule] = ["FAIL" if count else "PASS"]
        rows.append((rule, found[rule][0], count))
    story.table("", ("view or rule", "status", "rows"), rows)
    return found


def _broken_rows(corner: Corner, rule: str) -> list[Row]:
    return corner.ask(f"select * from `{{dataset}}.{rule}`")


@contextmanager
def _deleted(corner: Corner, victim: Row) -> Iterator[None]:
    """Without that payment; whatever happens, it is put back."""
    copy = "`{dataset}.payment_put_aside`"
    where = "where topic = @topic and kafka_partition = @kafka_partition and kafka_offset = @kafka_offset"
    place = {name: victim[name] for name in ("topic", "kafka_partition", "kafka_offset")}
    corner.ask(f"create or replace table {copy} as select * from {{payment_transactions}} {where}", **place)
    try:
        corner.ask(f"delete from {{payment_transactions}} {where}", **place)
        yield
    finally:
        corner.ask(f"insert into {{payment_transactions}} select * from {copy}")
        corner.ask(f"drop table {copy}")
