"""How far apart batches begin, as the environment says it.

Belongs here: that setting, which a processor reads by itself and which Dagster gives to each run that it starts. Does
not belong here: waiting (process_payments).
"""

import os
from collections.abc import Mapping

from spark_jobs.settings import SettingError

MOST_SECONDS = 600


def read_batch_seconds(env: Mapping[str, str] | None = None) -> int:
    """Seconds; 0 is one batch after the other.

    Raises:
        SettingError: it is none, or too many.
    """
    env = os.environ if env is None else env
    value = env.get("PAYMENTS_BATCH_SECONDS") or "0"
    if not value.isdecimal() or int(value) > MOST_SECONDS:
        raise SettingError(f"PAYMENTS_BATCH_SECONDS must be a whole number from 0 to {MOST_SECONDS}, not {value!r}.")
    return int(value)
