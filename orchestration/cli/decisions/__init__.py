"""The commands by which somebody decides: replay, resolve, erase, backfill, accept-gap, promote-field.

Belongs here: arguments, what is shown, what is asked. Does not belong here: the decisions themselves
(spark_jobs.corrections, spark_jobs.erasure).
"""
