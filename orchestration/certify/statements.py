"""The questions about single statements: transactions, ASSERT, clocks, sessions, job ids, loads, numbers.

Belongs here: one function a question, which returns what was seen or raises Broken. Does not belong here: whole batches
(batches). Each makes tables of its own, a few rows large.
"""

import hashlib
import io
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from orchestration.certify.findings import Broken
from orchestration.certify.ground import Ground
from spark_jobs.tables.names import full_name
from spark_jobs.warehouse.job_labels import PIPELINE_LABEL

type Question = Callable[[Ground], str]


def need(condition: object, message: str) -> None:
    """Raises Broken where the condition does not hold."""
    if not condition:
        raise Broken(message)


def _table(ground: Ground, columns: str = "id int64, n int64", tail: str = "") -> str:
    name = f"t{uuid.uuid4().hex[:8]}"
    ground.run(f"create table {ground.name(name)} ({columns}) {tail}")
    return name


def atomic(ground: Ground) -> str:
    """Two tables, then an error."""
    one, other = _table(ground), _table(ground)
    inserts = f"insert into {ground.name(one)} (id) select 1; insert into {ground.name(other)} (id) select 1;"
    refused = ground.refusal(f"begin transaction; {inserts} select error('certify stops'); commit transaction;")
    need(refused and "certify stops" in refused, f"an error in a transaction was answered with {refused!r}")
    left = ground.count(one), ground.count(other)
    need(left == (0, 0), f"a failed transaction left {left} rows")
    ground.run(f"begin transaction; {inserts} commit transaction;")
    kept = ground.count(one), ground.count(other)
    need(kept == (1, 1), f"a committed transaction left {kept} rows")
    return "of two tables nothing after an error, all after a commit"


def asserted(ground: Ground) -> str:
    """ASSERT, or where it is refused the form that the product then sends."""
    from spark_jobs.warehouse.transactions import run_to_its_end, without_assert

    table = ground.name(name := _table(ground))
    script = (
        f"begin transaction; insert into {table} (id) select 1; assert @@row_count = @n as 'certify counts';"
        " commit transaction;"
    )
    for form, sql in (("as it is sent", script), ("without ASSERT", without_assert(script))):
        answer = run_to_its_end(ground.client, sql, {"n": 2}, f"certify_{uuid.uuid4().hex}")
        need(isinstance(answer, Exception), f"a count that is wrong was committed, {form}")
        need("certify counts" in str(answer), f"a count that is wrong was refused with {answer}, {form}")
        need(ground.count(name) == 0, f"a refused transaction left rows, {form}")
    refused = ground.refusal(script, n=1)
    if refused is None:
        return "ASSERT aborts the transaction; so does SELECT with error()"
    ground.run(without_assert(script), n=1)
    return f"ASSERT is refused ({refused[:120]}), and SELECT with error() does what it should: the product falls back"


def reads_its_own(ground: Ground) -> str:
    """A transaction sees what it wrote, and nobody else does before it commits."""
    table = _table(ground)
    with ground.transaction() as session:
        ground.run(f"insert into {ground.name(table)} (id) select 7", session)
        inside, outside = ground.count(table, session), ground.count(table)
    need((inside, outside) == (1, 0), f"inside {inside} rows were seen and outside {outside}, for 1 uncommitted row")
    need(ground.count(table) == 0, "a session that ended without a commit left rows")
    return "its own rows inside, none outside, none after the session was aborted"


def one_moment(ground: Ground) -> str:
    """A transaction that reads goes on seeing its first moment."""
    table = _table(ground)
    with ground.transaction() as session:
        before = ground.count(table, session)
        ground.run(f"insert into {ground.name(table)} (id) select 1")
        after, now = ground.count(table, session), ground.count(table)
    need((before, after, now) == (0, 0, 1), f"a snapshot saw {before} and then {after} rows; outside there were {now}")
    return "a row that came meanwhile is not seen"


def one_of_two(ground: Ground) -> str:
    """Two transactions change one row: one of them is refused."""
    table = ground.name(_table(ground))
    ground.run(f"insert into {table} (id, n) select 1, 0")
    with ground.transaction() as first, ground.transaction() as second:
        update = f"update {table} set n = n + 1 where id = 1"
        refusals = [ground.refusal(update, session) for session in (first, second)]
        for number, session in enumerate((first, second)):
            refusals[number] = refusals[number] or ground.refusal("commit transaction", session)
    [row] = ground.run(f"select n from {table}")
    refused = [refusal for refusal in refusals if refusal]
    message = f"{len(refused)} of two were refused, and the row says {row['n']}"
    need(len(refused) == 1 and row["n"] == 1, message)
    return f"one is refused: {refused[0][:120]}"


def compare_and_set(ground: Ground) -> str:
    """Two scripts move one row on from the same state: the second changes nothing."""
    table = ground.name(_table(ground))
    ground.run(f"insert into {table} (id, n) select 1, 0")
    script = (
        f"begin transaction; update {table} set n = 1 where id = 1 and n = 0;"
        " select if(@@row_count = 1, true, error('moved on')); commit transaction;"
    )
    ground.run(script)
    refused = ground.refusal(script)
    need(refused and "moved on" in refused, f"the second was answered with {refused!r}")
    return "the second is refused"


def job_ids(ground: Ground) -> str:
    """A job of an id that was used has no effect."""
    from google.api_core.exceptions import Conflict
    from google.cloud.bigquery import LoadJobConfig

    table, job_id = _table(ground), f"certify_{uuid.uuid4().hex}"
    for kind in ("query", "load"):
        for number in (1, 2):
            try:
                if kind == "query":
                    sql = f"insert into {ground.name(table)} (id) select 1"
                    ground.client.query(sql, job_id=job_id, job_retry=None).result(job_retry=None)
                else:
                    config = LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", write_disposition="WRITE_APPEND")
                    _load(ground, table, b'{"id": 1}\n', config, f"{job_id}_load")
                need(number == 1, f"a second {kind} job of one id was taken")
            except Conflict:
                need(number == 2, f"the first {kind} job of an id was refused")
    need(ground.count(table) == 2, f"4 jobs of 2 ids left {ground.count(table)} rows")
    return "a query and a load of an id that was used are refused with 409"


def loads(ground: Ground) -> str:
    """A load job with one row that cannot be read loads none."""
    from google.api_core.exceptions import GoogleAPICallError
    from google.cloud.bigquery import LoadJobConfig

    table = _table(ground)
    config = LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", write_disposition="WRITE_APPEND")
    try:
        _load(ground, table, b'{"id": 1}\n{"id": "no number"}\n', config, f"certify_{uuid.uuid4().hex}")
    except GoogleAPICallError:
        need(ground.count(table) == 0, "a load job that failed left rows")
        return "nothing of a load that fails"
    raise Broken("a row that cannot be read was loaded")


def _load(ground: Ground, table: str, lines: bytes, config: Any, job_id: str) -> None:
    target = full_name(ground.settings, table)
    job = ground.client.load_table_from_file(io.BytesIO(lines), target, job_config=config, job_id=job_id)
    job.result()


def clock(ground: Ground) -> str:
    """In a transaction the clock stands still; after it, it goes on."""
    table = ground.name(_table(ground, "id int64, at timestamp"))
    insert = f"insert into {table} (id, at) select %d, current_timestamp();"
    [row] = ground.run(
        f"begin transaction; {insert % 1} {insert % 2} {insert % 3} commit transaction;"
        f" select min(at) as first, max(at) as last, current_timestamp() as after from {table}"
    )
    first, last, after = (_moment(row, name) for name in ("first", "last", "after"))
    need(last <= after, f"a transaction's clock ({last}) is ahead of the one after it ({after})")
    need(first == last, f"the clock moved on in a transaction, by {(last - first).total_seconds()} s")
    return f"it stands still; {(after - last).total_seconds():.2f} s later the transaction is over"


def _moment(row: Mapping[str, Any], name: str) -> datetime:
    moment: datetime = row[name]
    return moment


def exact_numbers(ground: Ground) -> str:
    """Money is added up to the last digit."""
    [row] = ground.run(
        """
        select sum(numeric '0.1') as tenths, sum(numeric '92233720368547758.07') as large,
            sum(cast(9223372036854775807 as numeric)) as minor
        from unnest(generate_array(1, 1000))
        """
    )
    exact = {"tenths": Decimal(100), "large": Decimal("92233720368547758070"), "minor": Decimal(2**63 - 1) * 1000}
    seen = {name: Decimal(row[name]) for name in exact}
    need(seen == exact, f"sums of NUMERIC came to {seen}, not {exact}")
    return "sums of NUMERIC are exact, beyond 64 bits too"


def digests(ground: Ground) -> str:
    """The ledger's digests are those that anyone can work out again."""
    text = "Grüße, 12.30 €"
    [row] = ground.run("select to_hex(sha256(@text)) as sha256, to_hex(md5(@text)) as md5", text=text)
    ours = {
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "md5": hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(),
    }
    need(row == ours, f"{row} is not {ours}")
    return "SHA-256 and MD5 are Python's"


def pruning(ground: Ground) -> str:
    """What a filter leaves out is not read."""
    from google.cloud.bigquery import QueryJobConfig

    table = ground.name(_table(ground, "id int64, at timestamp", "partition by date(at)"))
    ground.run(
        f"insert into {table} (id, at) select n, timestamp_add(timestamp '2026-01-01', interval n day)"
        " from unnest(generate_array(1, 20)) as n"
    )

    def reads(where: str) -> int:
        config = QueryJobConfig(dry_run=True, use_query_cache=False)
        return int(ground.client.query(f"select id, at from {table} {where}", config).total_bytes_processed or 0)

    everything, day = reads(""), reads("where at >= '2026-01-03' and at < '2026-01-04'")
    need(0 < day < everything, f"a day reads {day} bytes and all days {everything}")
    return f"a day reads {day} bytes, all 20 days {everything}"


def bytes_limit(ground: Ground) -> str:
    """A query that would be billed more than it may is refused, and billed nothing."""
    from google.api_core.exceptions import GoogleAPICallError
    from google.cloud.bigquery import QueryJobConfig

    table = ground.name(_table(ground))
    ground.run(f"insert into {table} (id) select 1")
    config = QueryJobConfig(maximum_bytes_billed=1, use_query_cache=False)
    try:
        ground.client.query(f"select * from {table}", config, job_retry=None).result(job_retry=None)
    except GoogleAPICallError as error:
        return f"refused: {' '.join(str(error).split())[:120]}"
    raise Broken("a query that may be billed 1 byte was run")


def labels(ground: Ground) -> str:
    """A job is found by its labels."""
    job = ground.client.query("select 1", job_retry=None)
    job.result(job_retry=None)
    kept = ground.client.get_job(job.job_id).labels
    need(kept.get(PIPELINE_LABEL) == ground.settings.pipeline, f"a job's labels are {kept}")
    return "a job keeps its labels"


QUESTIONS: Mapping[str, Question] = {
    "a transaction is all or nothing": atomic,
    "a count that is wrong aborts a transaction": asserted,
    "a transaction sees its own rows, and nobody else does": reads_its_own,
    "a transaction that reads sees one moment": one_moment,
    "of two transactions that change one row one is refused": one_of_two,
    "a row moves on from one state once": compare_and_set,
    "a job id is used once": job_ids,
    "a load job is all or nothing": loads,
    "the clock in a transaction is its start": clock,
    "money is exact": exact_numbers,
    "digests are the same everywhere": digests,
    "a filter on the partition column reads less": pruning,
    "a query beyond its bytes is refused": bytes_limit,
    "a job keeps its labels": labels,
}
"""By what is asked."""
