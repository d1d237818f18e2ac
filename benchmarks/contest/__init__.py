"""Ours beside its peers: on one topic, held against one oracle.

Belongs here: the contest, its arena, its results. Does not belong here: measurements of ours alone (measurements).
"""
