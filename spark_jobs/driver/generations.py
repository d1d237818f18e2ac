"""Which checkpoint a run works on: the one that the control row names, or a new one rebuilt from the warehouse.

Belongs here: opening a generation and beginning the next. Does not belong here: what makes one unusable
(checkpoint), how its state is rebuilt (sinks).
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from spark_jobs.crash_points import Point, crash_point
from spark_jobs.driver.checkpoint import Checkpoint
from spark_jobs.publishing.control import Control, new_name
from spark_jobs.settings import JobSettings
from spark_jobs.streaming.locations import Locations

if TYPE_CHECKING:
    from spark_jobs.publishing.protocol import Store


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
    generation.checkpoint.begin(control.end_offsets)
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
    generation.checkpoint.begin(control.end_offsets)
    return control, generation


def locations_of(settings: JobSettings, generation: str) -> Locations:
    """The folders of a checkpoint generation."""
    below = f"{settings.pipeline}/{generation}"
    return Locations(f"{settings.checkpoint_location}/{below}", f"{settings.staging_location}/{below}")


def _locate(settings: JobSettings, control: Control) -> Generation:
    locations = locations_of(settings, control.generation)
    return Generation(locations, Checkpoint(locations, control.topic, settings.state_buckets))
