"""What a store has to search: what the state does not know, and the days of the ids that it knows."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.contract.times import to_microseconds
from spark_jobs.deduplication.state import NOTHING_SEEN
from spark_jobs.publishing.look_back import Searched, searched_in
from spark_jobs.streaming.tally import BatchTally
from tests.unit.spark_jobs.batches import NOON

DAY = timedelta(days=1)
TODAY = (to_microseconds(NOON) or 0) // 86_400_000_000
MIDNIGHT = NOON - timedelta(hours=12)
LAST_MICROSECONDS = to_microseconds(NOON)


def test_a_state_that_knows_all_leaves_nothing_to_be_searched() -> None:
    assert searched_in(BatchTally(complete_since=NOTHING_SEEN), NOON, 3) is None
    assert searched_in(BatchTally(complete_since=to_microseconds(NOON - 3 * DAY)), NOON, 3) is None


def test_before_the_first_payment_there_is_nothing_to_be_searched() -> None:
    assert searched_in(BatchTally(), None, 3) is None


def test_a_state_that_does_not_say_what_it_knows_leaves_all_of_it() -> None:
    assert searched_in(BatchTally(), NOON, 3) == Searched(NOON - 3 * DAY, NOON)


def test_a_state_made_anew_leaves_what_was_before_it() -> None:
    assert searched_in(BatchTally(complete_since=to_microseconds(MIDNIGHT)), NOON, 3) == (NOON - 3 * DAY, MIDNIGHT)


def test_an_id_that_the_state_knows_is_searched_on_its_day_up_to_the_watermark() -> None:
    known = BatchTally(complete_since=NOTHING_SEEN, days_to_ask=(TODAY - 2,))
    assert searched_in(known, NOON, 3) == (MIDNIGHT - 2 * DAY, MIDNIGHT - DAY)
    assert searched_in(BatchTally(complete_since=NOTHING_SEEN, days_to_ask=(TODAY,)), NOON, 3) == (MIDNIGHT, NOON)
    assert searched_in(BatchTally(complete_since=NOTHING_SEEN, days_to_ask=(TODAY - 3,)), NOON, 3) == (
        NOON - 3 * DAY,
        MIDNIGHT - 2 * DAY,
    )


@given(
    st.none() | st.just(NOTHING_SEEN) | st.integers((LAST_MICROSECONDS or 0) - 6 * 86_400_000_000, LAST_MICROSECONDS),
    st.lists(st.integers(TODAY - 5, TODAY + 1)),
    st.integers(1, 4),
)
def test_all_that_may_be_published_is_searched_and_nothing_beyond_the_lookback(
    complete_since: int | None, days: list[int], lookback_days: int
) -> None:
    tally = BatchTally(complete_since=complete_since, days_to_ask=tuple(days))
    first = NOON - lookback_days * DAY
    searched = searched_in(tally, NOON, lookback_days) or Searched(first, first)
    assert first <= searched.since <= searched.until <= NOON
    for hours in range(24 * lookback_days):
        at = first + timedelta(hours=hours)
        moment = to_microseconds(at) or 0
        if complete_since is None or moment < complete_since or moment // 86_400_000_000 in days:
            assert searched.since <= at < searched.until
