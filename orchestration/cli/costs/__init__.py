"""`payments costs`: what the warehouse billed.

Belongs here: the job list by label, and printing it. Does not belong here: labels (spark_jobs.warehouse), what BigQuery
would bill (benchmarks).
"""
