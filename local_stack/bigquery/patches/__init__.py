"""What is changed in local-bigquery for speed: one file per patch, each with what it replaces.

Belongs here: replacements of local-bigquery's functions, their registry, and whether they still fit. Does not belong
here: what is wrong in local-bigquery and mended (the server).
"""
