"""A checkpoint's files in an object store: the one class of ours that Spark's JVM loads, and its jar.

Belongs here: the class, and compiling it. Does not belong here: when Spark is told of it (spark_session), files that
Python reads and writes (file_systems).
"""
