"""The kinds of correction, and how the hashes of corrections and replays are made. Pure Python.

Belongs here: names and what they mean for the payments. Does not belong here: writing corrections (corrections,
sinks.bigquery).
"""

from enum import StrEnum


class Correction(StrEnum):
    """What was decided. A conflict's decision is CONFLICT_KEPT, or CONFLICT_REPLACED with CONFLICT_CHOSEN.

    A backfill's are pairs of BACKFILL_REPLACED and BACKFILL_CHOSEN, of one delivery each: as it was read, and is now.
    """

    ADMITTED_LATE = "ADMITTED_LATE"
    REJECTED_LATE = "REJECTED_LATE"
    RETRACTED_DUPLICATE = "RETRACTED_DUPLICATE"
    CONFLICT_KEPT = "CONFLICT_KEPT"
    CONFLICT_REPLACED = "CONFLICT_REPLACED"
    CONFLICT_CHOSEN = "CONFLICT_CHOSEN"
    BACKFILL_REPLACED = "BACKFILL_REPLACED"
    BACKFILL_CHOSEN = "BACKFILL_CHOSEN"

    @property
    def payments_added(self) -> int:
        """What it does to payment_transactions."""
        if self in (Correction.ADMITTED_LATE, Correction.CONFLICT_CHOSEN, Correction.BACKFILL_CHOSEN):
            return 1
        return -1 if self in (Correction.CONFLICT_REPLACED, Correction.BACKFILL_REPLACED) else 0


CORRECTION_HASH = """md5(array_to_string([
    cast(correction_id as string), kind, cast(payments_added as string), transaction_id, topic,
    cast(kafka_partition as string), cast(kafka_offset as string), cast(last_batch_id as string), decided_by, reason,
    cast(unix_micros(decided_at) as string)], chr(31)))"""
"""In SQL, over a row of payment_corrections; what the payment says is held by its own payload_hash."""

REPLAY_HASH = """md5(array_to_string([
    cast(replay_id as string), topic, cast(kafka_partition as string), cast(kafka_offset as string),
    cast(new_partition as string), cast(sent_from_offset as string), to_hex(value_sha256), requested_by, reason,
    cast(unix_micros(requested_at) as string)], chr(31)))"""
"""In SQL, over a row of payment_replays, all but what the broker answered."""
