"""The Spark plan of a micro-batch: from Kafka's partitions to staged files, one tally per bucket.

Belongs here: packing, the shuffle, staging, seeds of the state. Does not belong here: committing a batch (publishing,
sinks), the life of a run (driver).
"""
