"""Lineage of what dbt builds, told by OpenLineage.

Belongs here: what is said of a build. Does not belong here: sending it (spark_jobs.lineage), lineage of columns as
Dagster shows it (assets).
"""
