"""What ends a command: one line that says what is wrong and what to do.

Belongs here: the exception. Does not belong here: incidents of a run (spark_jobs), parts that cannot start
(local_stack).
"""


class CommandError(Exception):
    """Printed as it is, without a traceback; the command exits with 1."""
