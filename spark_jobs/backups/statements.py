"""The statements of a backup and of a restore. Pure.

Belongs here: their text. Does not belong here: which tables, and in which order (copies).
"""

from datetime import UTC, datetime


def snapshot_sql(source: str, copy: str, moment: datetime) -> str:
    """A table as it was at the moment, which every table of a backup shares; both are `project.dataset.table`."""
    at = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")
    return f"create snapshot table `{copy}` clone `{source}` for system_time as of timestamp '{at}'"


def clone_sql(copy: str, target: str) -> str:
    """The table as the copy has it, where there is none of that name."""
    return f"create table `{target}` clone `{copy}`"


def take_over_sql(control: str) -> str:
    """Fence off every run of before: the epoch is above any that was given out, as far as this dataset knows."""
    return f"""
        update `{control}` set epoch = greatest(epoch, @epoch) + 1, holder = @holder, updated_at = current_timestamp()
        where pipeline = @pipeline
        """
