"""The commands of `payments mapping`.

Belongs here: arguments, what is printed, exit codes, reading the files. Does not belong here: the language and what it
does (spark_jobs.mapping).
"""
