"""The protocol that a sink keeps: what a run asks of the place where its batches are committed.

Belongs here: the protocol and its contract. Does not belong here: any one sink (sinks).

**What a store holds**, of one pipeline:
* deliveries: one row per record of every published batch, with its disposition and the batch's number. A UNIQUE record
  keeps neither key nor value nor headers (STAGED_SCHEMA has none): its payment says it all;
* payments: one row per delivery that is UNIQUE; no id twice;
* a ledger: one row per published batch, with its counts, offsets, watermarks and digest;
* the control row (Control): what is published, and the epoch of the run that may publish next;
* incidents: what stopped runs.
Columns, their types and units are those of tables.catalog; a staged file has all of them but `topic`, which is the
control row's, and `batch_id`. Money is whole minor units or decimal, never a float; times are UTC to the microsecond.

**Atomic.** A batch's deliveries, payments, ledger row and control row become visible together or not at all. The
control row decides: it changes by one compare-and-set on the epoch, the offsets and the digest of the row that the
batch follows on. Where the sink has no transaction over several tables, the other rows go first, each with the
batch's number, and the control row last; then rows with a number above `last_batch_id` are of no published batch:
readers leave them out, and the next run takes them out before it publishes.

**Fenced.** Every run takes an epoch of its own by `raise_epoch`. From then on a run with an older one commits
nothing, whatever it was doing: its compare-and-set fails. It may neither remove nor replace what the newer run has
begun.

**Unknown outcomes** are read back, never guessed. An answer that was lost may come from a commit that happened: ask
the store, and only if it says no, once the first attempt can have no more effect, try again. Where it cannot say,
raise.

**Dies at any point.** A run may be killed between any two effects. The next one calls the methods in the order below,
and Spark gives it the same batch again, or its records cut into other batches. Every record is still published once.
A sink calls `crash_point` between two durable effects, so that the tests can kill it there.

**Failures.** Whatever the sink's client raises comes out as an Incident of one line that says what to do: of the
sink's own kind, or QUOTA_EXCEEDED, or LOAD_FAILED where staged files are refused. Retries are bounded. An Incident
ends the run; the next run goes on from what the store holds. Only `record` raises nothing.

**Order.** prepare, raise_epoch, sweep; then start_generation and seed_state if the checkpoint is missing or
unusable; then publisher, and for each batch is_published and publish. One thread calls; other runs may be at work
at the same time.
"""

from typing import Protocol

from spark_jobs.incidents import Incident
from spark_jobs.publishing.batch import Batch, Interval
from spark_jobs.publishing.batch_report import BatchReport
from spark_jobs.publishing.control import Control
from spark_jobs.reading.contracts import Contract
from spark_jobs.streaming.locations import Locations


class BatchPublisher(Protocol):
    """Publishes batch after batch under the epoch of the control row that it was made with."""

    @property
    def control(self) -> Control:
        """The control row after the last batch that this publisher knows to be published.

        It costs no request. It does not follow what other runs do.
        """

    def is_published(self, interval: Interval) -> bool:
        """Whether the batch that Spark replays is the newest that is published: `control` is just at each of its ends.

        It costs no request and has no effect. The caller does not publish such a batch. Any other batch of which
        something is published, such as an older one, is not published in this sense: `publish` refuses it, and the
        checkpoint is made anew.
        """

    def publish(self, batch: Batch) -> BatchReport:
        """Commit one batch: all of it, or nothing.

        Before: `batch.tally.uris` are Parquet files of STAGED_SCHEMA (streaming.staged_files), one at least, which stay
        until this returns. Their records lie at the offsets of `batch.interval`, in any order; `batch.holes` counts the
        offsets without one. There may be no record at all.

        1. `check_batch` (publishing.checks) comes before any effect.
        2. Records tagged UNIQUE whose id an earlier batch has published, with an event time that `searched_in`
           (publishing.look_back, with the tally, `control`'s watermark and the settings' lookback_days) names, become
           DUPLICATE: `retract` mends the tally, the delivery is kept as a DUPLICATE and no payment is added, and what
           the record says is kept in a table beside, with the columns of a payment and the batch's number. All other
           ids are the stream's own to know, but for those that a decision has put in.
        3. The staged files must hold what the tally says, or nothing is committed.
        4. Deliveries, payments, the ledger row and the control row become visible together. The ledger's values are
           `ledger_of` (publishing.ledger); its digest is that of `claims_in`, the records' content_hash and
           published_at (tables.ledger_digest). The new control row has `last_batch_id` + 1, `end_offsets` with the
           interval's ends put in, the ledger's next_watermark, the digest, and the `last_records_after` it.

        After: `control` is the new row, and the report says what was committed, not what was tagged.

        A second call with the same batch raises CheckpointUnusable once the first has returned. If the first raised,
        the batch may be published all the same: a second call then finds that out, or refuses, but does not publish
        it twice. A publisher made from a control row that was read later says by `is_published` which it is.

        Raises:
            CheckpointUnusable: the batch does not follow on what is published, or judged lateness by another
                watermark. Nothing was written.
            Incident: OFFSET_GAP, where records are missing or too many, nothing was written; FENCED, where another run
                took over or the control row is gone; LOAD_FAILED, where the staged files are refused; the sink's own
                kind, where it fails or is silent. After all but OFFSET_GAP rows may be left that no reader counts.
        """


class Store(Protocol):
    """The one authority on what one pipeline has published. A new object knows nothing; the store knows all."""

    def prepare(self, contract: Contract) -> None:
        """Make whatever tables are missing, and bring older ones to this product's version (tables.migrations).

        What is stored stays. Idempotent; two runs may call it at once. A store that keeps contracts writes down this
        one, by which the run is about to judge.

        Raises:
            Incident: SCHEMA_VERSION, where the tables are of a newer version, or need a step that a person asks for;
                the sink's own kind.
        """

    def read_control(self) -> Control | None:
        """The control row as it is now; None before the pipeline's first `raise_epoch`. After `prepare`."""

    def raise_epoch(self, holder: str, first: Control) -> Control:
        """Take over: the row's epoch rises by 1 and `holder` is written in, in one atomic step; returns the row.

        From here on every older run's publication fails. Nothing else in the row changes but `updated_at`.

        Without a row a pipeline begins, unless its ledger has batches: then the row was lost, and to begin anew would
        publish the whole topic a second time. That is refused each time, not only the first: whatever was written of a
        row meanwhile must not pass for a pipeline's beginning.

        Args:
            holder: a name that no other run has: by it a lost answer is read back.
            first: the row to begin with where the pipeline has none: epoch 0, last_batch_id 0, no watermark, no digest.
                It is not looked at otherwise.

        Raises:
            Incident: FENCED, where another run took over in the same moment; the sink's own kind, also where the row
                was lost, with "lost" and the page docs/day-two.md in its message.
        """

    def sweep(self, control: Control) -> None:
        """Remove what runs of before have left of batches that they never published: rows, staging tables, files.

        Never anything of a published batch, nor of a run that took over from this one. `control` is what
        `raise_epoch` gave. Where it cannot, it may leave things: `publish` does not depend on it.

        Raises:
            Incident: FENCED, where the epoch is no longer `control`'s and something is left; the sink's own kind.
        """

    def start_generation(self, control: Control, generation: str) -> None:
        """Note in the control row that the pipeline goes on with a new checkpoint, by compare-and-set on the epoch.

        Nothing else in the row changes but `updated_at`: the offsets say where the new checkpoint begins.

        Args:
            control: the row as this run knows it.
            generation: a name that no checkpoint had before.

        Raises:
            Incident: FENCED, where the epoch is no longer `control`'s, nothing was written; the sink's own kind.
        """

    def seed_state(self, control: Control, locations: Locations) -> int:
        """Write the seeds of a new checkpoint (streaming.state_seeds) and return how many ids they hold.

        A seed is what a bucket of the deduplication knows before its first batch: the 16-byte MD5 of each published
        payment's id with its slot, that is its event time in microseconds since 1970 divided by SLOT_MICROSECONDS.
        Before the first watermark this is 0 and writes nothing. Else, of streaming.state_seeds:

            kept = kept_days(locations, settings.state_buckets, control.watermark)
            since = seeded_since(control.watermark, kept)
            write_seeds(published, settings.state_buckets, control.watermark, locations,
                        delay=settings.watermark_microseconds, lookback=settings.lookback_microseconds, kept=kept)

        `published` are slots with the concatenated hashes of some of their ids, of all payments made at `since` or
        later. They may come in any order, a slot as often as you like: read them part by part. With another `delay` the
        next batch would be judged by another watermark, and `publish` would refuse it. Calling it again writes the same
        seeds.
        """

    def record(self, incident: Incident, epoch: int | None) -> None:
        """Put an incident on record: one row for each of its ranges, one without offsets where it has none.

        Never raises an exception of the sink's: it is called while the incident is on its way up. Where it fails it
        adds a note to the incident, "It could not be recorded" and why; none where the incident itself is that the sink
        does not answer. Columns that are not known, such as the epoch or offsets, are NULL.

        Args:
            incident: what happened.
            epoch: of the run; None before it has one.
        """

    def publisher(self, control: Control) -> BatchPublisher:
        """What publishes batches from this state on, under `control.epoch`.

        Args:
            control: from `raise_epoch`, with the generation that the run works on.
        """
