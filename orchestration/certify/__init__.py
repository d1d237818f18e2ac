"""`payments certify`: shows on a warehouse what exactly-once rests on there.

Belongs here: the questions, asking them in a dataset of their own, the report. Does not belong here: the command's
arguments (cli), publishing a batch (spark_jobs).
"""
