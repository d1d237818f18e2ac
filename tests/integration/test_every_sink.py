"""What a run asks of a sink, asked of every sink there is: real tables, small batches, no Spark.

The contract is the protocol's (publishing); each test is one clause of it.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain, combinations, count
from pathlib import Path
from shutil import rmtree
from urllib.parse import urlsplit

import pytest

from spark_jobs.contract.payment_event import Disposition
from spark_jobs.crash_points import Point, crash_point
from spark_jobs.deduplication.state import SLOT_MICROSECONDS
from spark_jobs.driver.generations import locations_of
from spark_jobs.incidents import CheckpointUnusable, Incident, IncidentKind
from spark_jobs.publishing.batch import Batch, Interval
from spark_jobs.publishing.control import Control, new_name
from spark_jobs.publishing.protocol import BatchPublisher, Store
from spark_jobs.reading.contracts import contract_of_now
from spark_jobs.settings import SINKS, JobSettings, read_job_settings
from spark_jobs.sinks.delta.tables import open_table, query
from spark_jobs.source.offsets import offsets_to_json
from spark_jobs.streaming import staged_files
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse import client as warehouse_client
from spark_jobs.warehouse.client import connect
from tests.datasets import Datasets
from tests.integration.sinks import EVERY_SINK, NOON, Held, Record, Sink, assert_held, batch_of, begin, first, opened
from tests.integration.sinks import settings_of as place_in

pytestmark = pytest.mark.integration

DUPLICATE, LATE, QUARANTINED = Disposition.DUPLICATE, Disposition.LATE, Disposition.QUARANTINED


class Died(BaseException):
    """The process ends here: nothing may catch it."""


class Bench:
    """A place of the test's own in one sink."""

    def __init__(self, sink: Sink, settings: JobSettings, store: Store, patched: pytest.MonkeyPatch) -> None:
        self.sink, self.settings, self.store = sink, settings, store
        self._patched = patched

    def held(self) -> Held:
        """What readers see."""
        return self.sink.held(self.settings)

    def batch(self, publisher: BatchPublisher, *records: Record) -> Batch:
        """The batch that follows on what the publisher has published."""
        return batch_of(self.settings, publisher.control, *records)

    def control(self) -> Control:
        """The control row as a new process reads it."""
        with opened(self.settings) as store:
            control = store.read_control()
        assert control
        return control

    def held_without_control(self) -> list[str]:
        """The payments' ids, where the sink's own readers would want a control row."""
        if self.settings.has_warehouse:
            return self.held().ids()
        payments = query(open_table(self.settings, catalog.TRANSACTIONS), "select transaction_id from t")
        return [row["transaction_id"] for part in payments for row in part.to_pylist()]

    def assert_sound(self) -> Held:
        """What the sink holds, once it was looked at as a whole."""
        held = self.held()
        assert_held(held, self.control())
        return held

    def at_crash_points(self, do: Callable[[Point], None]) -> None:
        """Do something wherever the sink may be killed, until `quiet`."""
        ours = [module for name, module in sys.modules.items() if name.startswith("spark_jobs.")]
        for module in ours:
            if module.__name__ != crash_point.__module__ and getattr(module, "crash_point", None) is crash_point:
                self._patched.setattr(module, "crash_point", do)

    def quiet(self) -> None:
        """Be killed nowhere from here on."""
        self._patched.undo()


@pytest.fixture(params=EVERY_SINK, ids=lambda sink: sink.name)
def bench(request: pytest.FixtureRequest, home: Path, tmp_path: Path) -> Iterator[Bench]:
    sink: Sink = request.param
    settings = place_in(sink, read_job_settings({"PAYMENTS_HOME": str(home)}), tmp_path)
    # Not the fixture of this name: what a test patches for itself outlives a `quiet`.
    with ExitStack() as held, pytest.MonkeyPatch.context() as patched:
        if settings.has_warehouse:
            datasets: Datasets = request.getfixturevalue("datasets")
            host, dataset = datasets.settings.emulator_host, held.enter_context(datasets.lent())
            settings = replace(settings, emulator_host=host, dataset=dataset)
        yield Bench(sink, settings, held.enter_context(opened(settings)), patched)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spark_jobs.sinks.bigquery.publisher.LONGEST_PAUSE_SECONDS", 0.0)


def test_every_choice_of_sinks_is_asked() -> None:
    choices = chain.from_iterable(combinations(SINKS, n) for n in range(1, len(SINKS) + 1))
    assert sorted(sink.sinks for sink in EVERY_SINK) == sorted(choices)


def test_before_the_first_run_there_is_no_state_and_a_run_begins_with_what_it_was_given(bench: Bench) -> None:
    before = datetime.now(UTC)
    for _ in range(2):
        bench.store.prepare(contract_of_now())
    assert bench.store.read_control() is None
    given = first()
    control = bench.store.raise_epoch("one", given)
    assert control == bench.control()
    assert control == replace(given, epoch=1, holder="one", updated_at=control.updated_at)
    second = bench.store.raise_epoch("two", replace(first(), end_offsets={0: 7}))
    assert second == replace(control, epoch=2, holder="two", updated_at=second.updated_at)
    assert before <= control.updated_at <= second.updated_at


def test_a_batch_is_published_as_it_was_staged_and_the_next_follows_on_it(bench: Bench) -> None:
    publisher = begin(bench.store)
    batch = bench.batch(
        publisher,
        Record("a"),
        Record("a", DUPLICATE, partition=1),
        Record("?", QUARANTINED, partition=1),
        Record("b", amount="999999999999.99", currency="USD"),
        Record("c", amount="0.01", currency="USD"),
    )
    report = publisher.publish(batch)
    assert (report.batch_id, report.epoch, report.delivered) == (1, 1, 5)
    assert (report.unique, report.duplicate, report.late, report.quarantined) == (3, 1, 0, 1)
    assert (report.watermark, report.next_watermark) == (None, publisher.control.watermark)
    assert (report.start_offsets, report.end_offsets) == (batch.interval.start, batch.interval.end)
    assert publisher.control == bench.control()
    watermark = publisher.control.watermark
    late = Record("late", LATE, NOON - timedelta(days=1))
    report = publisher.publish(bench.batch(publisher, late, Record("d", event_time=NOON + timedelta(hours=1))))
    assert (report.batch_id, report.late, report.watermark) == (2, 1, watermark)
    assert publisher.control == bench.control()
    held = bench.assert_sound()
    assert held.ids() == ["a", "b", "c", "d"]
    assert held.places() == [
        (0, 0, "UNIQUE"),
        (0, 1, "UNIQUE"),
        (0, 2, "UNIQUE"),
        (0, 3, "LATE"),
        (0, 4, "UNIQUE"),
        (1, 0, "DUPLICATE"),
        (1, 1, "QUARANTINED"),
    ]
    assert max(row["amount_minor"] for row in held.payments) == 99_999_999_999_999


def test_a_batch_that_is_replayed_is_known_to_be_published_and_refused_if_it_comes_all_the_same(bench: Bench) -> None:
    publisher = begin(bench.store)
    batch = bench.batch(publisher, Record("a"), Record("b", partition=1))
    part = replace(batch, interval=Interval({0: 0}, {0: 1}))
    assert not publisher.is_published(batch.interval)
    publisher.publish(batch)
    for run in (publisher, begin(bench.store, "two")):
        assert run.is_published(batch.interval)
        assert run.is_published(part.interval)
        assert not run.is_published(Interval({0: 0, 1: 0}, {0: 2, 1: 1}))
        for again in (batch, part):
            with pytest.raises(CheckpointUnusable, match="is published"):
                run.publish(again)
    run.publish(bench.batch(run, Record("c")))
    assert not run.is_published(batch.interval), "a checkpoint that is a batch behind is not gone on with"
    with pytest.raises(CheckpointUnusable, match="is published"):
        run.publish(batch)
    assert bench.assert_sound().ids() == ["a", "b", "c"]


@pytest.mark.parametrize("start", [{0: 2, 1: 0}, {0: 0, 1: 0}, {0: 1, 1: 1}], ids=str)
def test_a_batch_that_does_not_follow_on_writes_nothing(bench: Bench, start: dict[int, int]) -> None:
    publisher = begin(bench.store)
    publisher.publish(bench.batch(publisher, Record("a")))
    other = batch_of(bench.settings, replace(publisher.control, end_offsets=start), Record("b"))
    with pytest.raises(CheckpointUnusable):
        publisher.publish(other)
    judged = batch_of(bench.settings, replace(publisher.control, watermark=NOON), Record("b"))
    with pytest.raises(CheckpointUnusable, match="judged lateness"):
        publisher.publish(judged)
    gap = bench.batch(publisher, Record("b"))
    with pytest.raises(Incident, match="OFFSET_GAP"):
        publisher.publish(replace(gap, interval=Interval(gap.interval.start, {0: 3, 1: 0})))
    assert bench.assert_sound().ids() == ["a"]


def test_staged_files_that_do_not_hold_the_batch_are_refused_and_the_next_run_goes_on(bench: Bench) -> None:
    publisher = begin(bench.store)
    batch = bench.batch(publisher, Record("a"), Record("b", partition=1))
    fewer = replace(batch, tally=replace(batch.tally, uris=batch.tally.uris[:1]))
    with pytest.raises(Incident) as refused:
        publisher.publish(fewer)
    assert refused.value.kind is IncidentKind.LOAD_FAILED
    assert "\n" not in str(refused.value)
    publisher = begin(bench.store, "two")
    assert not publisher.is_published(batch.interval)
    publisher.publish(batch)
    assert bench.assert_sound().ids() == ["a", "b"]


def test_a_run_that_was_overtaken_publishes_nothing_and_does_not_disturb_its_successor(bench: Bench) -> None:
    overtaken = begin(bench.store)
    overtaken.publish(bench.batch(overtaken, Record("a")))
    late_batch = bench.batch(overtaken, Record("b"), Record("c"))
    with opened(bench.settings) as another:
        successor = begin(another, "two")
        with pytest.raises(Incident, match="FENCED"):
            overtaken.publish(late_batch)
        assert bench.assert_sound().ids() == ["a"]
        successor.publish(batch_of(bench.settings, successor.control, Record("d")))
    assert bench.assert_sound().ids() == ["a", "d"]
    with pytest.raises(Incident, match="FENCED"):
        overtaken.publish(late_batch)
    assert bench.assert_sound().ids() == ["a", "d"]


def test_whatever_an_overtaken_run_does_while_its_successor_publishes_nothing_is_lost(bench: Bench) -> None:
    """It sweeps and publishes wherever the successor may stand."""
    overtaken = begin(bench.store)
    old = overtaken.control
    with opened(bench.settings) as another:
        successor = begin(another, "two")
        mine = batch_of(bench.settings, successor.control, Record("a"), Record("b"))
        other = bench.batch(overtaken, Record("a"))

        def meddle(_at: Point) -> None:
            bench.quiet()
            with pytest.raises(Incident, match="FENCED"):
                overtaken.publish(other)
            # Where it finds nothing it need not notice.
            with suppress(Incident):
                bench.store.sweep(old)
            bench.at_crash_points(meddle)

        bench.at_crash_points(meddle)
        successor.publish(mine)
        bench.quiet()
    assert bench.assert_sound().ids() == ["a", "b"]


def test_a_payment_that_the_stream_has_forgotten_becomes_a_duplicate_and_what_it_says_is_kept(bench: Bench) -> None:
    publisher = begin(bench.store)
    hours = [timedelta(hours=n) for n in range(8)]
    publisher.publish(bench.batch(publisher, Record("old", event_time=NOON - hours[5]), Record("new")))
    publisher.publish(bench.batch(publisher, Record("newer", event_time=NOON + hours[2])))
    again = Record("old", event_time=NOON + hours[2], partition=1, amount="7.00")
    report = publisher.publish(bench.batch(publisher, again, Record("other", event_time=NOON + hours[2])))
    assert (report.delivered, report.unique, report.duplicate) == (2, 1, 1)
    held = bench.assert_sound()
    assert held.ids() == ["new", "newer", "old", "other"]
    assert (1, 0, "DUPLICATE") in held.places()
    assert [(row["transaction_id"], row["amount_minor"], row["batch_id"]) for row in held.kept] == [("old", 700, 3)]
    publisher.publish(bench.batch(publisher, Record("last", event_time=NOON + hours[2])))
    bench.assert_sound()


def test_a_run_may_die_between_any_two_effects_and_the_next_publishes_the_batch_once(bench: Bench) -> None:
    """And so may the very same run, asked again, where it only thought that it had died."""
    publisher = begin(bench.store)
    publisher.publish(bench.batch(publisher, Record("old", event_time=NOON - timedelta(hours=5)), Record("first")))
    visits: list[Point] = []
    for n, asks_again in ((n, again) for n in count(1) for again in sorted({False, bench.sink.asks_again})):
        batch = bench.batch(
            publisher, Record(f"{n}-{asks_again}"), Record("old"), Record("?", QUARANTINED, partition=1)
        )
        visits.clear()

        def die(at: Point, visit: int = n) -> None:
            visits.append(at)
            if len(visits) == visit:
                raise Died

        bench.at_crash_points(die)
        try:
            publisher.publish(batch)
            break
        except Died:
            bench.quiet()
        if asks_again:
            try:
                publisher.publish(batch)
            except CheckpointUnusable:
                assert publisher.is_published(batch.interval)
        with opened(bench.settings) as store:
            publisher = begin(store, f"run {n} {asks_again}")
            if not publisher.is_published(batch.interval):
                publisher.publish(batch)
            held = bench.assert_sound()
            assert f"{n}-{asks_again}" in held.ids()
            assert held.ids().count("old") == 1
            assert len(held.kept) == sum(row["batch_id"] > 1 for row in held.ledger)
        publisher = begin(bench.store, f"run {n}")
    bench.quiet()
    assert len(visits) >= 2, "a sink that cannot be killed half-way has no crash points"


def test_what_a_dead_run_left_is_not_in_the_way_of_other_batches(bench: Bench) -> None:
    """A checkpoint that was rebuilt may cut the records anew."""
    for n in count(1):
        publisher = begin(bench.store, f"run {n}")
        visits: list[Point] = []

        def die(at: Point, visit: int = n, visits: list[Point] = visits) -> None:
            visits.append(at)
            if len(visits) == visit:
                raise Died

        batch = bench.batch(publisher, Record(f"{n}-a"), Record(f"{n}-b"))
        bench.at_crash_points(die)
        try:
            publisher.publish(batch)
            break
        except Died:
            bench.quiet()
        publisher = begin(bench.store, f"next {n}")
        if not publisher.is_published(batch.interval):
            for name in ("a", "b"):
                publisher.publish(bench.batch(publisher, Record(f"{n}-{name}")))
        assert len(bench.assert_sound().ids()) == 2 * n
    bench.quiet()


def test_a_commit_whose_answer_was_lost_is_read_back_and_reported_as_it_is(bench: Bench) -> None:
    publisher = begin(bench.store)
    publisher.publish(bench.batch(publisher, Record("old", event_time=NOON - timedelta(hours=5)), Record("a")))
    point, silence = bench.sink.unanswered

    def unheard(at: Point) -> None:
        if at is point:
            raise silence

    for n in range(2):
        bench.at_crash_points(unheard)
        records = (Record(f"b{n}"), *([Record("old")] if n else []))
        report = publisher.publish(bench.batch(publisher, *records))
        bench.quiet()
        assert (report.batch_id, report.unique, report.duplicate) == (n + 2, 1, n)
        assert publisher.control == bench.control()
    assert bench.assert_sound().ids() == ["a", "b0", "b1", "old"]


def test_a_new_generation_is_noted_by_the_run_at_work_alone(bench: Bench) -> None:
    bench.store.prepare(contract_of_now())
    overtaken, name = bench.store.raise_epoch("one", first()), new_name()
    control = bench.store.raise_epoch("two", first())
    with pytest.raises(Incident, match="FENCED"):
        bench.store.start_generation(overtaken, new_name())
    assert bench.control() == control
    bench.store.start_generation(control, name)
    noted = bench.control()
    assert noted == replace(control, generation=name, updated_at=noted.updated_at)
    publisher = bench.store.publisher(noted)
    assert publisher.publish(bench.batch(publisher, Record("a"))).generation == name
    bench.assert_sound()


def test_the_seeds_of_a_new_checkpoint_hold_the_ids_since_the_watermark(bench: Bench) -> None:
    publisher = begin(bench.store)
    locations = locations_of(bench.settings, "g2")
    assert bench.store.seed_state(publisher.control, locations) == 0
    slot = timedelta(microseconds=SLOT_MICROSECONDS)
    publisher.publish(bench.batch(publisher, Record("a"), Record("a", DUPLICATE), Record("?", QUARANTINED)))
    watermark = publisher.control.watermark
    assert watermark
    publisher.publish(bench.batch(publisher, Record("edge", event_time=watermark), Record("b", partition=1)))
    publisher.publish(bench.batch(publisher, Record("before", event_time=watermark - 2 * slot)))
    for _ in range(2):
        assert bench.store.seed_state(publisher.control, locations) == 3


def test_sweeping_leaves_what_is_published_and_only_the_run_at_work_sweeps(bench: Bench) -> None:
    publisher = begin(bench.store)
    publisher.publish(bench.batch(publisher, Record("a"), Record("b", partition=1)))
    before = bench.assert_sound()
    for _ in range(2):
        bench.store.sweep(publisher.control)
    assert bench.assert_sound() == before


def test_an_incident_is_on_record_with_its_ranges_and_recording_never_raises(bench: Bench, tmp_path: Path) -> None:
    bench.store.prepare(contract_of_now())
    bench.store.raise_epoch("one", first())
    bench.store.record(Incident(IncidentKind.OFFSETS_LOST, "gone", {0: (1, 5), 1: (2, 3)}), 1)
    bench.store.record(Incident(IncidentKind.TOPIC_MISSING, "where"), None)
    names = ("kind", "kafka_partition", "start_offset", "end_offset", "epoch")
    assert sorted((tuple(row[name] for name in names) for row in bench.held().incidents), key=str) == [
        ("OFFSETS_LOST", 0, 1, 5, 1),
        ("OFFSETS_LOST", 1, 2, 3, 1),
        ("TOPIC_MISSING", None, None, None, None),
    ]
    (tmp_path / "file").write_text("no folder")
    nowhere = replace(bench.settings, dataset="never_made", delta_location=(tmp_path / "file").as_uri())
    with opened(nowhere) as broken:
        unwritten = Incident(IncidentKind.OFFSETS_LOST, "gone")
        broken.record(unwritten, 1)
        assert "could not be recorded" in unwritten.__notes__[0]
        with pytest.raises(Incident) as failed:
            broken.read_control()
    assert "\n" not in str(failed.value)


def lose_control(settings: JobSettings) -> None:
    if settings.has_warehouse:
        with connect(settings) as client:
            warehouse_client.run(client, f"delete from `{table_id(settings, catalog.CONTROL)}` where true", {})
    else:
        open_table(settings, catalog.CONTROL).delete()


def test_a_control_row_that_was_lost_begins_nothing_anew(bench: Bench) -> None:
    """The whole topic would be published a second time."""
    publisher = begin(bench.store)
    publisher.publish(bench.batch(publisher, Record("a")))
    lose_control(bench.settings)
    for holder in ("two", "three"):
        with pytest.raises(Incident, match=r"lost.*docs/day-two\.md"):
            begin(bench.store, holder)
    assert bench.held_without_control() == ["a"]


@pytest.mark.parametrize("bench", [EVERY_SINK[2]], ids=lambda sink: sink.name, indirect=True)
def test_delta_that_is_ahead_of_a_dataset_that_was_set_back_is_not_gone_on_with(bench: Bench) -> None:
    publisher = begin(bench.store)
    publisher.publish(bench.batch(publisher, Record("a")))
    before = bench.control()
    publisher.publish(bench.batch(publisher, Record("b")))
    set_back(bench.settings, before)
    with pytest.raises(Incident, match="Delete that folder"):
        begin(bench.store, "two")
    rmtree(urlsplit(bench.settings.delta_location).path)
    publisher = begin(bench.store, "three")
    publisher.publish(bench.batch(publisher, Record("c")))
    assert bench.assert_sound().ids() == ["a", "c"]


def set_back(settings: JobSettings, before: Control) -> None:
    """The dataset as it was, whatever Delta holds."""
    later = [
        catalog.DELIVERIES,
        catalog.TRANSACTIONS,
        catalog.LEDGER,
        catalog.LEDGER_PARTITIONS,
        catalog.LEDGER_AMOUNTS,
    ]
    values = {
        "last_batch_id": before.last_batch_id,
        "end_offsets": offsets_to_json(before.end_offsets),
        "watermark": before.watermark,
        "digest": before.digest,
    }
    assigned = ", ".join(f"{name} = @{name}" for name in values)
    with connect(settings) as client:
        for table in later:
            sql = f"delete from `{table_id(settings, table)}` where batch_id > @last_batch_id"
            warehouse_client.run(client, sql, {"last_batch_id": before.last_batch_id})
        sql = f"update `{table_id(settings, catalog.CONTROL)}` set {assigned} where true"
        warehouse_client.run(client, sql, values)


def test_a_staged_file_is_needed_no_more_once_its_batch_is_published(bench: Bench) -> None:
    publisher = begin(bench.store)
    batch = bench.batch(publisher, Record("a"))
    publisher.publish(batch)
    staged_files.remove(batch.tally.uris)
    publisher = begin(bench.store, "two")
    publisher.publish(bench.batch(publisher, Record("b")))
    assert bench.assert_sound().ids() == ["a", "b"]
