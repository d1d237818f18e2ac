"""Whose turn it is to publish: one run is at work, the next one waits, warm.

Belongs here: waiting for a turn, holding it, learning that it is another's. Does not belong here: fencing, which is the
epoch's (publishing): a turn saves time, the epoch saves money; warming up and what a run does (driver).
"""
