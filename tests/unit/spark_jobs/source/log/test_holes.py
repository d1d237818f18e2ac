"""Which offsets without a record are holes, and which are a loss that stops the run."""

import pytest

from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.source.log.holes import Span, holes_in, spans_with_gaps
from spark_jobs.source.log.log_batches import Counted


def test_only_ranges_of_which_records_lack_are_looked_at() -> None:
    found = spans_with_gaps({0: (0, 5), 1: (5, 9), 2: (0, 2)}, {0: 5, 1: 2, 2: 3})
    assert found == {1: Span(5, 9, 2)}


def test_markers_and_aborted_records_are_holes() -> None:
    assert holes_in(0, Span(0, 6, 3), Counted(records=3, markers=1, aborted=2), "delete") == 3


def test_a_record_that_is_there_and_was_not_read_is_no_hole() -> None:
    assert holes_in(0, Span(0, 6, 3), Counted(records=4, markers=2), "delete") == 2


def test_offsets_without_a_record_that_nothing_explains_are_an_incident() -> None:
    for policy in ("delete", None):
        with pytest.raises(Incident, match="no record at 2 of the offsets 10 to 15") as stopped:
            holes_in(3, Span(10, 16, 4), Counted(records=4, missing=2), policy)
        assert stopped.value.kind is IncidentKind.OFFSET_GAP
        assert stopped.value.ranges == {3: (10, 16)}


def test_on_a_compacted_topic_they_are_holes() -> None:
    assert holes_in(0, Span(0, 6, 4), Counted(records=4, missing=2), "compact,delete") == 2


def test_a_record_that_was_compacted_away_once_it_was_read_is_none() -> None:
    assert holes_in(0, Span(0, 6, 4), Counted(records=3, missing=3), "compact") == 2


def test_a_record_of_a_compacted_topic_that_was_not_read_is_no_hole() -> None:
    assert holes_in(0, Span(0, 6, 3), Counted(records=4, missing=2), "compact") == 2
