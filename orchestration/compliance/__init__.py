"""What is kept of a day for those who must account for it: a report, and who signed it off.

Belongs here: what stands in a report, keeping it, its page. Does not belong here: seals and proofs
(spark_jobs.sealing).
"""
