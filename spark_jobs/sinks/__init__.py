"""Where batches are committed. `open_store` chooses; each sink has a package of its own.

Belongs here: the choice, and sinks. Does not belong here: what all sinks share (publishing).
"""
