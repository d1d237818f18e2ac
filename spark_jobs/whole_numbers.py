"""Settings that are whole numbers, as the environment says them.

Belongs here: reading one, between bounds. Does not belong here: which settings there are (settings).
"""

from collections.abc import Mapping

from spark_jobs.settings import SettingError


def whole_number(env: Mapping[str, str], name: str, default: int, *, least: int, most: int) -> int:
    """The setting of that name; the default where it is empty or not set.

    Raises:
        SettingError: it is no whole number, or out of bounds.
    """
    value = env.get(name) or str(default)
    if not value.isdecimal() or not least <= int(value) <= most:
        raise SettingError(f"{name} must be a whole number from {least} to {most}, not {value!r}.")
    return int(value)
