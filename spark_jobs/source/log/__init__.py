"""The topic's log below its records: markers, aborted records and gaps.

Belongs here: which offsets have no record, and the proof. Does not belong here: the records themselves, connections.
"""
