"""Delta Lake as a sink, alone or as a mirror of the warehouse.

Belongs here: the store, the publisher, the mirror, its tables. Does not belong here: the streaming plan.
"""
