"""Records of the topic, read again by the mapping of the batch that published them.

Belongs here: which mapping that is, by offset, and reading by several at once. Does not belong here: kept records
(kept_records), what is done with what is read (backfill).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from spark_jobs.contract.code_lists import CodeLists, lists_of_now
from spark_jobs.contract.payment_event import UnreadableLabels
from spark_jobs.settings import JobSettings
from spark_jobs.source.ranges import Range
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id
from spark_jobs.tables.row_types import Row
from spark_jobs.warehouse.client import run

if TYPE_CHECKING:
    import pyarrow as pa
    from google.cloud.bigquery import Client

type Read = Callable[["pa.RecordBatch"], "pa.Table"]
"""KAFKA_COLUMNS to reading.RECORD_SCHEMA."""


def reader_of(client: "Client", settings: JobSettings, ranges: Mapping[int, Range]) -> Read:
    """A function that reads each record of these published offsets by its batch's mapping and the codes of now."""
    from spark_jobs.reading.records import read_records

    lists = lists_of_now(UnreadableLabels(settings.unreadable_labels))
    spans = _spans(client, settings, ranges)
    return partial(_read_by_spans, spans=spans, lists=lists) if spans else partial(read_records, lists=lists)


def _spans(client: "Client", settings: JobSettings, ranges: Mapping[int, Range]) -> list[Row]:
    """The offsets of the batches that had a mapping, with it."""
    sql = f"""
        select distinct p.kafka_partition, p.start_offset, p.end_offset, v.mapping
        from `{table_id(settings, catalog.LEDGER_PARTITIONS)}` as p
        inner join unnest(@ranges) as wanted
            on p.kafka_partition = wanted.kafka_partition
                and p.start_offset < wanted.end_offset and p.end_offset > wanted.first_offset
        inner join `{table_id(settings, catalog.LEDGER)}` as l on p.batch_id = l.batch_id
        inner join `{table_id(settings, catalog.CONTRACT_VERSIONS)}` as v on l.contract_version = v.contract_version
        where p.topic = @topic and v.mapping is not null
        """
    wanted = [
        {"kafka_partition": at, "first_offset": first, "end_offset": after}
        for at, (first, after) in sorted(ranges.items())
    ]
    return run(client, sql, {"topic": settings.topic, "ranges": wanted})


def _read_by_spans(batch: "pa.RecordBatch", spans: Sequence[Row], lists: CodeLists | None = None) -> "pa.Table":
    import numpy as np
    import pyarrow as pa

    from spark_jobs.reading.contracts import mapping_of
    from spark_jobs.reading.records import read_records

    partition, offset = batch.column("partition").to_numpy(), batch.column("offset").to_numpy()
    texts = sorted({span["mapping"] for span in spans})
    which = np.full(batch.num_rows, -1)
    for span in spans:
        is_here = (
            (partition == span["kafka_partition"]) & (offset >= span["start_offset"]) & (offset < span["end_offset"])
        )
        which[is_here] = texts.index(span["mapping"])
    read = [
        read_records(
            batch.filter(pa.array(which == number)), lists, mapping=None if number < 0 else mapping_of(texts[number])
        )
        for number in np.unique(which).tolist()
    ]
    return pa.concat_tables(read)
