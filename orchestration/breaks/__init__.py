"""What goes wrong in the field, caused on purpose: what happens, what doctor and the alerts see, how it is mended.

Belongs here: one module for each break, each on a sandbox, with claims that can fail. Does not belong here: recovery
itself (spark_jobs), the stack and the claims' form (scenarios.harness).
"""
