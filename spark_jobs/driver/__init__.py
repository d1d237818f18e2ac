"""A run from its start to its end: session, checkpoint, generation, batches, standby.

Belongs here: what lives as long as a run. Does not belong here: what a batch is made of (streaming), how it is
committed (sinks).
"""
