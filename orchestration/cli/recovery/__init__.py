"""The commands for the day on which data are lost: `payments backup`, `payments restore`.

Belongs here: their arguments and what they print. Does not belong here: copying (spark_jobs.backups).
"""
