"""The streaming job as a process of its own, which goes on: for a cluster that starts processes, not runs.

Belongs here: going on, a sign of life. Does not belong here: whose turn it is (turns), what a run does (driver), the
runs that Dagster starts (orchestration).
"""
