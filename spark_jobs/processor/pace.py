"""How far apart batches begin, as the environment says it.

Belongs here: that setting, which a processor reads by itself and which Dagster gives to each run that it starts. Does
not belong here: waiting (process_payments).
"""

import os
from collections.abc import Mapping

from spark_jobs.whole_numbers import whole_number

MOST_SECONDS = 600


def read_batch_seconds(env: Mapping[str, str] | None = None) -> int:
    """Seconds; 0 is one batch after the other.

    Raises:
        SettingError: it is none, or too many.
    """
    return whole_number(os.environ if env is None else env, "PAYMENTS_BATCH_SECONDS", 0, least=0, most=MOST_SECONDS)
