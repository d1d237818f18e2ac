"""Spark at Google's Dataproc: a run of Dagster hands the streaming job over, waits for it, and cancels it.

Belongs here: the settings of it, what is uploaded, the requests, waiting. Does not belong here: what the job does there
(spark_jobs.handed_over), when a run starts (automation), what it is called in Dagster (assets).
"""
