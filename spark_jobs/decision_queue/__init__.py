"""Requested decisions: written down by a command, carried out in portions by the run at work, between two batches.

Belongs here: asking, carrying out, waiting for it. Does not belong here: what is decided (corrections, erasure), the
tables (tables), when a run looks (driver).
"""
