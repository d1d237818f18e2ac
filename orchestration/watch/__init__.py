"""Health while nothing comes: what is looked at by the clock, by when each thing is due, and what a check says of it.

Belongs here: the look, its pure rules, the table that it keeps. Does not belong here: the schedule itself (schedules),
the health rows and their limits (dbt's marts).
"""
