"""The platform on one machine: its processes, Dagster's home, runs of jobs in this process.

Belongs here: starting, stopping, running. Does not belong here: what is printed (cli).
"""
