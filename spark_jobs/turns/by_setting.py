"""The turn that the settings name.

Belongs here: choosing it, who its holder is. Does not belong here: how it is held (turn, lease).
"""

import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from spark_jobs.settings import BY_LEASE, JobSettings
from spark_jobs.turns.lease import Lease, by_lease
from spark_jobs.turns.turn import Hold, Turn, by_lock


def turn_of(settings: JobSettings, home: Path, waiting: Callable[[], None] = lambda: None) -> Turn:
    """By the warehouse's lease, or by a lock below `home`.

    Args:
        settings: say which.
        home: the folder that the processes of one machine share.
        waiting: called again and again while it is waited for.
    """
    if settings.turn == BY_LEASE:
        return partial(_of_the_warehouse, settings, waiting)
    return partial(by_lock, home / "run" / f"{settings.pipeline}.turn", waiting=waiting)


@contextmanager
def _of_the_warehouse(
    settings: JobSettings, waiting: Callable[[], None], before_waiting: Callable[[], None]
) -> Iterator[Hold]:
    from spark_jobs.turns.lease_table import WarehouseLeases
    from spark_jobs.warehouse.client import connect
    from spark_jobs.warehouse.job_labels import Work

    with connect(settings, Work.TURN) as client:
        table = WarehouseLeases(client, settings)
        table.prepare()
        # The host's name is for people: what makes the holder one of its own is the rest.
        holder = f"{socket.gethostname()}_{uuid.uuid4().hex}"
        with by_lease(Lease(table, holder, settings.turn_lease_seconds), before_waiting, waiting) as hold:
            yield hold
