"""The commands of a fraud team: alert-queue, label, lists.

Belongs here: arguments, printing. Does not belong here: what is written (spark_jobs.fraud), the backtest's command,
which needs no decision (cli).
"""
