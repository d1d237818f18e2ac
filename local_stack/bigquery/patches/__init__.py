"""What is changed in local-bigquery for speed: one file per patch.

Belongs here: replacements of local-bigquery's functions, each with its gain. Does not belong here: what is wrong in
local-bigquery and mended (server).
"""
