"""Which checkpoint a run works on: the one that the control row names, or a new one rebuilt from the warehouse.

Belongs here: opening a generation and beginning the next. Does not belong here: what makes one unusable
(checkpoint), how its state is rebuilt (sinks).
"""

import contextlib
import hashlib
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from spark_jobs.crash_points import Point, crash_point
from spark_jobs.driver.checkpoint import Checkpoint
from spark_jobs.file_systems import delete_folder, folders_in
from spark_jobs.publishing.control import Control, new_name, watermark_in
from spark_jobs.settings import JobSettings
from spark_jobs.streaming.carried import write_carried
from spark_jobs.streaming.kept_days import forget_kept, sweep_kept
from spark_jobs.streaming.locations import Locations

if TYPE_CHECKING:
    from spark_jobs.publishing.protocol import Store


KEPT = ".kept"
"""Beside the pipelines' folders: what outlives a generation."""
WARM_UPS = ".warm-ups"
"""Beside them as well: what is thrown away."""


@dataclass(frozen=True, slots=True)
class Generation:
    """A checkpoint and where its files are."""

    locations: Locations
    checkpoint: Checkpoint


def open_generation(store: "Store", settings: JobSettings, control: Control) -> tuple[Control, Generation]:
    """The generation of the control row; the next one where this machine does not have it.

    Raises:
        CheckpointUnusable: it is here, and cannot be gone on with.
    """
    generation = _locate(settings, control)
    if generation.checkpoint.exists():
        generation.checkpoint.check(control.end_offsets)
        return control, generation
    if control.last_batch_id:
        return renew(store, settings, control)
    forget_kept(generation.locations)
    _begin(control, generation)
    return control, generation


def renew(store: "Store", settings: JobSettings, control: Control) -> tuple[Control, Generation]:
    """A new generation that starts at the control row's offsets and knows all that is published.

    Raises:
        Incident: FENCED, where the epoch is no longer ours.
    """
    name = new_name()
    store.start_generation(control, name)
    crash_point(Point.GENERATION_STARTED)
    control = replace(control, generation=name)
    generation = _locate(settings, control)
    store.seed_state(control, generation.locations)
    crash_point(Point.STATE_SEEDED)
    sweep_kept(generation.locations, _long_ago(settings))
    _begin(control, generation)
    return control, generation


def _begin(control: Control, generation: Generation) -> None:
    write_carried(generation.locations, 0, watermark_in(control))
    generation.checkpoint.begin(control.end_offsets)


def sweep_generations(settings: JobSettings, named: str) -> list[str]:
    """Delete generations that the control row does not name, and whose files are all old. Returns their names.

    One that was replaced a moment ago may still be at work in a run that has not noticed. What cannot be deleted now
    stays for the next run.
    """
    swept = []
    for name in _old_folders(f"{settings.checkpoint_location}/{settings.pipeline}", _long_ago(settings), named):
        locations = locations_of(settings, name)
        for uri in (locations.staging, locations.checkpoint):
            with contextlib.suppress(OSError):
                delete_folder(uri)
        swept.append(name)
    return swept


def warm_up_locations(settings: JobSettings) -> Locations:
    """The folders of one warm-up. Whoever makes them deletes them; what one that died has left is deleted here."""
    warm_ups = f"{settings.checkpoint_location}/{WARM_UPS}"
    for name in _old_folders(warm_ups, _long_ago(settings)):
        with contextlib.suppress(OSError):
            delete_folder(f"{warm_ups}/{name}")
    own = f"{warm_ups}/{uuid.uuid4().hex}"
    return Locations(own, f"{own}/staging")


def _old_folders(uri: str, before: datetime, but: str = "") -> list[str]:
    """Names of the folders in a folder in which all was last written before then."""
    return [name for name, written in folders_in(uri).items() if name != but and written < before]


def _long_ago(settings: JobSettings) -> datetime:
    return datetime.now(UTC) - timedelta(hours=settings.keep_generations_hours)


def locations_of(settings: JobSettings, generation: str) -> Locations:
    """The folders of a checkpoint generation."""
    below = f"{settings.pipeline}/{generation}"
    return Locations(
        f"{settings.checkpoint_location}/{below}",
        f"{settings.staging_location}/{below}",
        f"{settings.checkpoint_location}/{KEPT}/{settings.pipeline}/{_store_of(settings)}",
        settings.segment_copies_mb,
    )


def _store_of(settings: JobSettings) -> str:
    """A name for what the ids are published in: what one has published says nothing of another."""
    if settings.has_warehouse:
        return f"{settings.project}.{settings.dataset}"
    return f"delta-{hashlib.sha256(settings.delta_location.encode()).hexdigest()[:16]}"


def _locate(settings: JobSettings, control: Control) -> Generation:
    locations = locations_of(settings, control.generation)
    return Generation(locations, Checkpoint(locations, control.topic, settings.state_buckets))
