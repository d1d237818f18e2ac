"""How few days may be kept: what is read of days that are over must still be there. Pure.

Belongs here: the least of each setting, and why. Does not belong here: reading the settings (settings), which day is
the oldest that is kept (retention).
"""

from collections.abc import Iterator, Mapping

DELIVERIES = "PAYMENTS_KEEP_DELIVERIES_DAYS"
RAW_VALUES = "PAYMENTS_KEEP_RAW_DAYS"
PAYMENTS = "PAYMENTS_KEEP_PAYMENTS_DAYS"
INCIDENTS = "PAYMENTS_KEEP_INCIDENTS_DAYS"

HISTORY_DAYS = 28
"""Of so many days before a payment's own the models of fraud read payments: fraud_history_days of dbt."""
BEGUN_DAYS = 2
"""A day that is begun, and the one in whose night it is sealed."""
INCIDENT_DAYS = 8
"""The dashboard and the alerts look at the incidents of a week."""


def problems_of(
    days: Mapping[str, int], watermark_minutes: int, seal_after_hours: int, lookback_days: int
) -> Iterator[str]:
    """What is wrong, each in one line: `days` are by the setting's name, and 0 is for ever."""
    until_sealed = -(-watermark_minutes // 1440) + -(-seal_after_hours // 24) + BEGUN_DAYS
    sealed = f"a day is sealed within {until_sealed} days"
    looked_back = f"{sealed}, the look-back (PAYMENTS_LOOKBACK_DAYS) needs {lookback_days} before that"
    history = f"{sealed}, the fraud models need {HISTORY_DAYS} before that"
    least = {
        DELIVERIES: (until_sealed + lookback_days, looked_back),
        RAW_VALUES: (until_sealed + lookback_days, looked_back),
        PAYMENTS: max((until_sealed + HISTORY_DAYS, history), (until_sealed + lookback_days, looked_back)),
        INCIDENTS: (INCIDENT_DAYS, "alerts look at a week"),
    }
    for name, (fewest, why) in least.items():
        if 0 < days[name] < fewest:
            yield f"{name} must be 0, which keeps for ever, or at least {fewest}, not {days[name]}: {why}."
    if days[RAW_VALUES] > days[DELIVERIES] > 0:
        yield (
            f"{RAW_VALUES} is {days[RAW_VALUES]}, and the deliveries themselves are kept for {days[DELIVERIES]} days "
            f"({DELIVERIES}): leave the first out, or lower it."
        )
