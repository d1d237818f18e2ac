"""OpenLineage: who reads what and writes what, told to a service outside. Off unless OPENLINEAGE_URL names one.

Belongs here: what is said of a batch, and saying it so that no batch waits or fails for it. Does not belong here: what
is said of dbt's models (orchestration), the standard itself (openlineage-python).
"""
