"""By when each watched thing is due: no alarm at rest, at a start or after a pause, and one where something is dead."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from orchestration.automation.backlog import Published
from orchestration.watch import rules
from orchestration.watch.rules import (
    BuildSeen,
    DueTimes,
    NightSeen,
    Observation,
    RedCheck,
    SealsSeen,
    Seen,
    SensorSeen,
    continued,
    is_measured,
    observe,
    watching_since,
)
from spark_jobs.source.open_transactions import OpenTransaction
from spark_jobs.source.topic import TopicState

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DUE = DueTimes(publication=5 * MINUTE, build=9 * MINUTE, silence=3 * MINUTE)
SENSORS = (SensorSeen("backlog_sensor", START), SensorSeen("rebuild_sensor", START))
TOPIC = TopicState("payment-events", "topic-1", {0: 0}, {0: 10})
REST = Seen(Published("topic-1", {0: 10}), 0, TOPIC, "it answers", SENSORS, None)
BUILD = BuildSeen("run-1", 5, 3, START, START + MINUTE, START + 2 * MINUTE)


def watched(*looks: Seen, every: timedelta = MINUTE, begin: datetime = START) -> list[Observation]:
    """The last of these looks, one after the other."""
    rows: list[Observation] = []
    for number, seen in enumerate(looks):
        now = begin + number * every
        rows = observe(seen, continued(rows, now), DUE, now)
    return rows


def row_of(rows: list[Observation], metric: str, subject: str | None = None) -> Observation:
    [row] = [row for row in rows if row.metric == metric and subject in (None, row.subject)]
    return row


def due_times(rows: list[Observation]) -> dict[str, datetime]:
    """What is due, but for the watch itself."""
    return {row.metric: row.due_at for row in rows if row.due_at and row.metric != rules.WATCH}


def ticking(seen: Seen, number: int) -> Seen:
    """The same a look later: sensors tick on."""
    return replace(seen, sensors=[replace(sensor, ticked_at=START + number * MINUTE) for sensor in seen.sensors])


def test_nothing_is_due_at_rest_however_long() -> None:
    assert due_times(watched(*(ticking(REST, number) for number in range(600)))) == {}


def test_the_watch_itself_is_due_after_one_look_more_and_the_silence_allowed() -> None:
    assert row_of(watched(REST), rules.WATCH).due_at == START + 4 * MINUTE


def test_records_that_wait_are_due_from_when_they_were_first_seen_to_wait() -> None:
    waiting = replace(REST, topic=replace(TOPIC, latest={0: 12}))
    rows = watched(REST, waiting, waiting, waiting)
    assert row_of(rows, rules.PUBLICATION).due_at == START + MINUTE + DUE.publication
    assert row_of(rows, rules.LAG).due_at == START + MINUTE
    assert "2 records wait after 0:10" in row_of(rows, rules.PUBLICATION).detail


def test_a_publication_begins_the_due_time_anew_and_not_the_lag() -> None:
    waiting = replace(REST, topic=replace(TOPIC, latest={0: 99}))
    moved = replace(waiting, published=Published("topic-1", {0: 50}))
    rows = watched(REST, waiting, waiting, moved)
    assert row_of(rows, rules.PUBLICATION).due_at == START + 3 * MINUTE + DUE.publication
    assert row_of(rows, rules.LAG).due_at == START + MINUTE


def test_a_topic_that_is_no_longer_the_one_published_from_is_due_although_nothing_waits() -> None:
    recreated = replace(REST, topic=replace(TOPIC, topic_id="topic-2", latest={0: 0}))
    row = row_of(watched(REST, recreated), rules.PUBLICATION)
    assert row.due_at == START + MINUTE + DUE.publication
    assert "is not the one that was published from" in row.detail


def test_a_topic_that_nothing_was_ever_published_from_is_at_rest_while_it_is_empty() -> None:
    empty = replace(REST, published=None, topic=replace(TOPIC, latest={0: 0}))
    assert due_times(watched(empty)) == {}


def test_a_broker_that_does_not_answer_is_due_from_its_last_answer() -> None:
    silent = replace(REST, topic=None, broker="Kafka did not answer")
    rows = watched(REST, silent, silent)
    assert due_times(rows) == {rules.BROKER: START + DUE.silence}
    assert row_of(rows, rules.BROKER).detail == "Kafka did not answer"


def test_a_broker_that_never_answered_is_due_from_the_first_look() -> None:
    silent = replace(REST, topic=None)
    assert due_times(watched(silent, silent)) == {rules.BROKER: START + DUE.silence}


def test_what_waited_before_the_broker_was_away_is_not_due_while_nobody_knows() -> None:
    waiting = replace(REST, topic=replace(TOPIC, latest={0: 12}))
    rows = watched(REST, waiting, replace(REST, topic=None))
    assert row_of(rows, rules.PUBLICATION).due_at is None
    assert row_of(rows, rules.LAG).due_at == START + MINUTE


def test_a_sensor_that_stops_ticking_is_due_from_its_last_tick_alone() -> None:
    looks = [ticking(REST, number) for number in range(6)]
    looks = [replace(look, sensors=[look.sensors[0], SENSORS[1]]) for look in looks]
    rows = watched(*looks)
    assert row_of(rows, rules.SENSOR, "backlog_sensor").due_at is None
    assert row_of(rows, rules.SENSOR, "rebuild_sensor").due_at == START + DUE.silence
    assert "rebuild_sensor has had no good tick since" in row_of(rows, rules.SENSOR, "rebuild_sensor").detail


def test_a_sensor_that_is_ticking_just_now_is_known_by_its_tick_before() -> None:
    under_way = replace(REST, sensors=[SensorSeen("backlog_sensor", None)])
    assert row_of(watched(REST, under_way), rules.SENSOR).since == START


def test_a_sensor_that_has_not_ticked_since_the_watch_began_gets_its_time_from_then() -> None:
    old = replace(REST, sensors=[SensorSeen("backlog_sensor", START - 60 * MINUTE), SensorSeen("rebuild_sensor", None)])
    assert due_times(watched(old, old, old)) == {}
    assert due_times(watched(*[old] * 5)) == {rules.SENSOR: START + DUE.silence}


def test_a_sensor_that_a_person_switched_off_is_not_due() -> None:
    off = replace(REST, sensors=[SensorSeen("backlog_sensor", START - 60 * MINUTE, is_on=False)])
    rows = watched(*[off] * 9)
    assert due_times(rows) == {}
    assert "switched off" in row_of(rows, rules.SENSOR).detail


def test_a_batch_without_a_build_is_due_from_when_it_was_first_seen() -> None:
    rows = watched(REST, replace(REST, last_batch=1), replace(REST, last_batch=4))
    assert due_times(rows) == {rules.BUILD: START + MINUTE + DUE.build}
    assert row_of(rows, rules.BUILD).detail == "batches 1 to 4 are not built"


def test_what_a_build_left_out_is_due_from_that_builds_start() -> None:
    behind = replace(REST, last_batch=5)
    built = replace(REST, last_batch=9, build=replace(BUILD, started_at=START + MINUTE))
    rows = watched(behind, behind, behind, built)
    assert due_times(rows) == {rules.BUILD: START + MINUTE + DUE.build}


def test_a_decision_without_a_build_is_due_as_a_batch_is() -> None:
    built = replace(REST, last_batch=5, build=BUILD)
    assert built.published
    decided = replace(built, published=replace(built.published, decisions=2))
    rows = watched(built, decided, decided)
    assert due_times(rows) == {rules.BUILD: START + MINUTE + DUE.build}
    assert row_of(rows, rules.BUILD).detail == "decisions 1 to 2 are not built"
    counted = replace(decided, build=replace(BUILD, decisions=2))
    assert due_times(watched(built, decided, counted)) == {}


def test_what_is_built_is_not_due() -> None:
    assert due_times(watched(REST, replace(REST, last_batch=5), replace(REST, last_batch=5, build=BUILD))) == {}


def test_after_a_pause_of_the_watch_every_due_time_begins_anew() -> None:
    waiting = replace(REST, topic=replace(TOPIC, latest={0: 12}), last_batch=4)
    rows = watched(waiting)
    later = START + 60 * MINUTE
    again = observe(waiting, continued(rows, later), DUE, later)
    assert watching_since(continued(rows, later), later) == later
    assert row_of(again, rules.PUBLICATION).due_at == later + DUE.publication
    assert row_of(again, rules.BUILD).due_at == later + DUE.build


def test_what_an_older_look_saw_is_not_gone_on_from() -> None:
    rows = watched(REST)
    gone = replace(row_of(rows, rules.BROKER), subject="gone", observed_at=START - MINUTE)
    assert (rules.BROKER, "gone") not in continued([*rows, gone], START + MINUTE)


def test_the_watch_knows_since_when_it_has_gone_on() -> None:
    assert row_of(watched(REST, REST, REST), rules.WATCH).since == START


def test_freshness_is_that_of_the_newest_build_to_its_scores_and_to_its_end() -> None:
    rows = watched(REST, REST, replace(REST, last_batch=5, build=BUILD, seconds_to_build_end=150))
    assert row_of(rows, rules.FRAUD_SCORE).measured_seconds == 90
    assert row_of(rows, rules.RECONCILIATION).measured_seconds == 150
    assert row_of(rows, rules.RECONCILIATION).detail == "batches 4 to 5, in the build of run run-1"


def test_freshness_stays_until_the_next_build_and_is_measured_once() -> None:
    measured = replace(REST, last_batch=5, build=BUILD, seconds_to_build_end=150)
    rows = watched(REST, measured, replace(measured, seconds_to_build_end=None))
    assert row_of(rows, rules.FRAUD_SCORE).measured_seconds == 90
    assert is_measured(BUILD, continued(rows, START + 3 * MINUTE))
    assert not is_measured(replace(BUILD, run_id="run-2"), continued(rows, START + 3 * MINUTE))


def test_freshness_of_long_ago_is_not_held_against_a_topic_at_rest() -> None:
    measured = replace(REST, last_batch=5, build=BUILD, seconds_to_build_end=28_800)
    rows = watched(measured, *[replace(measured, seconds_to_build_end=None)] * 20)
    assert row_of(rows, rules.FRAUD_SCORE).measured_seconds == 0


def test_an_open_transaction_is_shown_with_producer_and_age_and_due_when_its_broker_should_have_ended_it() -> None:
    open_ = OpenTransaction(2, 40, 5, 4711, "billing", START - 3 * MINUTE)
    row = row_of(watched(replace(REST, transactions=[open_])), rules.TRANSACTION)
    assert (row.subject, row.since) == ("partition 2", START - 3 * MINUTE)
    assert row.due_at == START - 3 * MINUTE + rules.TRANSACTION_DUE
    assert "producer 4711 (billing)" in row.detail
    assert "open for 0:03:00" in row.detail


def test_a_transaction_of_unknown_age_is_as_old_as_the_watch_has_seen_it() -> None:
    unknown = replace(REST, transactions=[OpenTransaction(2, 40, 5)])
    row = row_of(watched(unknown, unknown, unknown), rules.TRANSACTION)
    assert row.since == START
    assert "open for 0:02:00" in row.detail
    other = replace(REST, transactions=[OpenTransaction(2, 60, 5)])
    assert row_of(watched(unknown, unknown, other), rules.TRANSACTION).since == START + 2 * MINUTE


def test_no_open_transaction_is_due_and_of_a_silent_broker_none_is_known() -> None:
    row = row_of(watched(REST), rules.TRANSACTION)
    assert (row.due_at, row.detail) == (None, "no transaction is open")
    silent = row_of(watched(replace(REST, topic=None, broker="no answer")), rules.TRANSACTION)
    assert (silent.due_at, silent.detail) == (None, "not known: the broker does not answer")


def test_a_day_that_should_be_sealed_is_due_and_a_start_has_a_night_for_it() -> None:
    sealed = date(2026, 11, 1)
    at_rest = replace(REST, seals=SealsSeen(sealed, START, None))
    assert due_times(watched(at_rest)) == {}
    assert row_of(watched(at_rest), rules.BUILD, rules.SEALS).detail == "days are sealed up to 2026-11-01"
    late = replace(REST, seals=SealsSeen(sealed, START, START - timedelta(days=3)))
    row = row_of(watched(late), rules.BUILD, rules.SEALS)
    assert (row.due_at, row.state) == (START + timedelta(hours=26), "2026-11-01")
    assert "payments seal" in row.detail
    soon = replace(REST, seals=SealsSeen(sealed, START, START + timedelta(days=3)))
    assert row_of(watched(soon), rules.BUILD, rules.SEALS).due_at == START + timedelta(days=3)
    assert [row for row in watched(REST) if row.subject == rules.SEALS] == [], "where no day expires nothing is asked"


def test_a_check_that_is_red_is_due_at_once_and_named_and_green_again_nothing_is() -> None:
    red = replace(REST, red_checks=[RedCheck("sealed_days", START - 60 * MINUTE), RedCheck("delta", START)])
    rows = watched(REST, red)
    assert {row.subject: row.due_at for row in rows if row.metric == rules.CHECK} == {
        "sealed_days": START - 60 * MINUTE,
        "delta": START,
    }
    assert "sealed_days was red at 2026-11-21 11:00 UTC" in row_of(rows, rules.CHECK, "sealed_days").detail
    assert due_times(watched(red, ticking(REST, 1))) == {}


def test_a_night_that_goes_by_without_its_job_is_overdue_however_idle_the_topic() -> None:
    def seen(ended_at: datetime | None) -> Seen:
        return replace(REST, nights=[NightSeen("seal_days", ended_at)])

    def row(*looks: Seen) -> Observation:
        return row_of(watched(*looks), rules.BUILD, "night seal_days")

    assert row(seen(None)).due_at == START + rules.NIGHTLY_DUE, "a first start has until the night after the next"
    assert row(seen(START - timedelta(days=9))).due_at == START + rules.NIGHTLY_DUE, "and so has one after a pause"

    day_and_more = [seen(START + timedelta(hours=1))] * (27 * 60 + 2)
    late = row(*day_and_more)
    assert late.due_at is not None
    assert late.due_at < late.observed_at
    assert late.detail == (
        "seal_days has not ended well since 2026-11-21 13:00 UTC: its schedule is off, or its run fails"
    )
    again = row(*day_and_more, seen(START + timedelta(hours=27)))
    assert again.due_at is not None
    assert again.due_at > again.observed_at
    assert again.detail == "seal_days ended well at 2026-11-22 15:00 UTC"


def test_at_rest_the_row_of_builds_is_told_first_among_equals() -> None:
    rows = watched(replace(REST, nights=[NightSeen("daily_reconciliation", START)]))
    assert min(row.subject for row in rows if row.metric == rules.BUILD) == "marts"
