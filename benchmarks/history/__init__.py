"""dbt on a month of payments: what its statements about accounts' history send and find.

Belongs here: making such a month, and recording dbt on it. Does not belong here: a pipeline at work, the arithmetic
(bytes), which starts from minutes of traffic and has no history.
"""
