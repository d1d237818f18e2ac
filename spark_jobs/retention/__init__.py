"""How long rows of sealed days are kept.

Belongs here: which day is the oldest that is kept, having older ones expire, and what is on record of it. Does not
belong here: staging tables and checkpoints (driver), Dagster's own records (orchestration).
"""
