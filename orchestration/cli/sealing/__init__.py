"""The commands about sealed days.

Belongs here: arguments, printing. Does not belong here: what a seal or a proof is (spark_jobs.sealing).
"""
