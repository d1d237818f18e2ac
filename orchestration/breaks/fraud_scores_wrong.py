"""A weight of the fraud rules gets a wrong sign: the fastest senders score lowest, until a check stops the build.

Belongs here: the slip, which check sees it, and what must hold once it is mended. Does not belong here: the rules
(dbt_project), how good they are (backtest).
"""

from orchestration.breaks.dbt_build import build, change_line, small_project
from orchestration.breaks.sight import look, watched
from orchestration.scenarios.harness.proofs import breaks_of
from orchestration.scenarios.harness.sandbox import Sandbox, event
from orchestration.scenarios.harness.transcript import Transcript
from spark_jobs.tables.names import full_name

RULES = "fraud_rules"
SEED = f"seeds/{RULES}.csv"
RULE, SLIP = "2,VELOCITY_1M,payments_1m,2,,50", "2,VELOCITY_1M,payments_1m,2,,-50"
MODEL, CHECK = "payment_transactions_fraud", "scores_are_between_0_and_100_and_explained"
PAYMENTS = 4
"""Of one sender within a minute: from the third on, VELOCITY_1M applies."""
MINUTES = 10
"""What is published is to be built within 540 seconds."""


def run(sandbox: Sandbox, transcript: Transcript) -> None:
    """A rule's weight has a wrong sign: a check fails the build, the build is overdue, and a full build mends it."""
    transcript.step(f"Publish {PAYMENTS} payments of one sender within a minute, one of another, and a retry")
    sandbox.send([event(f"fast-{number}", sender_account_id="thief") for number in range(PAYMENTS)])
    sandbox.send([event("slow"), event("slow")])
    sandbox.drain()
    transcript.step(f"In {SEED} a weight gets a wrong sign ({SLIP}), and dbt builds")
    project = small_project(sandbox, MODEL)
    change_line(project, SEED, RULE, SLIP)
    built = build(sandbox, project, [f"+{MODEL}", CHECK])
    wrong = _show(sandbox, transcript)
    red = [name for name, status in built.items() if status == "fail"]
    transcript.say(f"Red: {', '.join(red)}. In Dagster the check names docs/runbooks/PaymentsFraudScoresLate.md.")
    transcript.say(f"What is seen once no build has been good for {MINUTES} minutes; nobody waits for them here.")
    seen = look(sandbox, transcript, watched(sandbox, MINUTES))
    transcript.claim("checks that are red", [CHECK], red)
    transcript.claim("alerts", ["PaymentsBuildOverdue"], seen)
    transcript.step(f"The sign is mended: `.venv/bin/dbt build --full-refresh --select {RULES} {MODEL}`")
    change_line(project, SEED, SLIP, RULE)
    mended = build(sandbox, project, [RULES, MODEL, CHECK], ["--full-refresh"])
    right = _show(sandbox, transcript)
    transcript.claim("checks that are red after it", [], [name for name, status in mended.items() if status == "fail"])
    transcript.claim("the third payment within a minute scores 100 more", 100, right["fast-2"] - wrong["fast-2"])
    transcript.claim("payments that are scored", PAYMENTS + 1, len(right))
    transcript.claim("alerts after it", [], look(sandbox, transcript, watched(sandbox, MINUTES, is_built=True)))
    transcript.claim("rules of `payments verify` that are broken", [], breaks_of(sandbox))


def _show(sandbox: Sandbox, transcript: Transcript) -> dict[str, int]:
    scores = _scores(sandbox)
    transcript.table("The scores", ("payment", "score"), sorted(scores.items()))
    return scores


def _scores(sandbox: Sandbox) -> dict[str, int]:
    table = full_name(sandbox.settings, MODEL)
    return {row["transaction_id"]: row["fraud_score"] for row in sandbox.client.list_rows(table)}
