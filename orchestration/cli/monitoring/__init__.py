"""Commands that only show how well the platform is: the page, and the monitoring queries.

Belongs here: arguments and what is printed. Does not belong here: commands that decide (decisions), or start and stop.
"""
