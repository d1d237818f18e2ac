"""Dagster's view of the platform, and the `payments` command.

Belongs here: assets, sensors, jobs, checks, resources, commands. Does not belong here: Spark transformations, dbt's SQL
rules, how the local stack's processes are started. Import the concrete modules: nothing is re-exported.
"""
