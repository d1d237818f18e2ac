"""Which store a pipeline has: the warehouse, the warehouse with Delta tables that follow it, or Delta tables alone.

Belongs here: the choice, by the settings. Does not belong here: what a store does (its own package). Delta is imported
only where it is asked for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from spark_jobs.publishing.protocol import Store
from spark_jobs.settings import JobSettings
from spark_jobs.sinks.bigquery.store import WarehouseStore
from spark_jobs.warehouse.client import connect
from spark_jobs.warehouse.job_labels import Work


@contextmanager
def open_store(settings: JobSettings) -> Iterator[Store]:
    """The store that the settings name; with several sinks it is the warehouse."""
    if not settings.has_warehouse:
        from spark_jobs.sinks.delta.store import DeltaStore

        yield DeltaStore(settings)
        return
    with connect(settings, Work.BATCH) as client:
        if settings.has_delta:
            from spark_jobs.sinks.delta.mirror import MirroredPublisher

            yield WarehouseStore(client, settings, partial(MirroredPublisher, client=client, settings=settings))
        else:
            yield WarehouseStore(client, settings)
