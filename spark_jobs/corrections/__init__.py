"""Decisions about payments that were delivered: late ones, conflicts, replays, backfills, lost ranges, new fields.

Belongs here: one module per kind of decision, and what they share. Does not belong here: erasures (erasure), how a
command shows them (orchestration).
"""
