"""The streaming job as a process of its own, which goes on: for a cluster that starts processes, not runs.

Belongs here: going on, whose turn it is among processes on several machines, a sign of life. Does not belong here: what
a run does (driver), the runs that Dagster starts (orchestration).
"""
