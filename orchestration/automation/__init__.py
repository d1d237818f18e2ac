"""What runs by itself: when to drain, when to build, who stands by, why a run failed.

Belongs here: pure decisions and the reads they need. Does not belong here: Dagster's sensors that emit what was
decided (sensors).
"""
