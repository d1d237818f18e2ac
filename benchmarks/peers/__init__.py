"""The other ways to drain a topic, each in an environment of its own.

Belongs here: one folder per peer, and the protocol by which `contest` runs it. Does not belong here: measuring.
"""
