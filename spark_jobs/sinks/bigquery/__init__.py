"""BigQuery as a sink: one load job and one transaction for a batch.

Belongs here: the store, the publisher, its SQL, incidents on record. Does not belong here: asking BigQuery at all
(warehouse).
"""
