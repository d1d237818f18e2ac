"""Records for `payments mapping`: of a topic, of a file, and the shipped mappings.

Belongs here: reading them. Does not belong here: what is made of them (spark_jobs.mapping), arguments (mapping).
"""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.cli.mapping.files import read_text
from orchestration.errors import CommandError

if TYPE_CHECKING:
    from spark_jobs.mapping.spec import Mapping
    from spark_jobs.mapping.trials.outcomes import KafkaRecord

MOST_RECORDS = 100_000


def read_records(source: str | None, count: int) -> "list[KafkaRecord]":
    """Records of a file, or the newest of a topic; default: the settings' topic."""
    if source is not None and Path(source).is_file():
        records = records_of(read_text(Path(source)))[:count]
    else:
        records = _of_topic(source, count)
    if not records:
        raise CommandError(f"{source or 'The topic'} has no records to look at.")
    return records


def records_of(text: str) -> "list[KafkaRecord]":
    """The records of a file: one JSON object, a list of them, or one a line; samples with their keys and headers."""
    from spark_jobs.mapping.trials.outcomes import KafkaRecord
    from spark_jobs.mapping.trials.samples import SampleError, read_samples

    try:
        return [sample.record for sample in read_samples(text)]
    except SampleError:
        pass
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        lines = enumerate(text.split("\n"), start=1)
        return [KafkaRecord(line.encode(), place=f"line {number}") for number, line in lines if line.strip()]
    if not isinstance(whole, list):
        return [KafkaRecord(text.encode(), place="the object")]
    # Element by element, with every number as it is written.
    import msgspec

    elements = msgspec.json.decode(text, type=list[msgspec.Raw])
    return [KafkaRecord(bytes(element), place=f"element {number}") for number, element in enumerate(elements, start=1)]


def shipped() -> "dict[str, Mapping]":
    """The mappings that are ready, by name."""
    from spark_jobs.mapping.spec import FILE_NAME, read_mapping

    return {folder.name: read_mapping(read_text(folder / FILE_NAME), folder.name) for folder in shipped_folders()}


def shipped_folders() -> list[Path]:
    """Where they lie."""
    import spark_jobs.mapping

    return sorted(path for path in (Path(spark_jobs.mapping.__path__[0]) / "shipped").iterdir() if path.is_dir())


def _of_topic(source: str | None, count: int) -> "list[KafkaRecord]":
    from spark_jobs.mapping.trials.outcomes import KafkaRecord
    from spark_jobs.settings import read_job_settings
    from spark_jobs.source.sample import newest_records

    if source is not None and ("/" in source or source.endswith((".json", ".jsonl", ".toml"))):
        raise CommandError(f"{source} cannot be read: there is no such file.")
    # The mapping that the settings name may be the one that is being written.
    job = read_job_settings({**os.environ, "PAYMENTS_EVENT_MAPPING": ""})
    found = newest_records(job.bootstrap_servers, source or job.topic, count)
    return [
        KafkaRecord(r.value, r.key, r.headers, r.timestamp, f"partition {r.partition} offset {r.offset}") for r in found
    ]
