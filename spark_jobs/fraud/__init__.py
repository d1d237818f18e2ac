"""What a fraud team writes down: labels of payments, allow and block lists.

Belongs here: writing and reading it, each a table that rows are only added to. Does not belong here: scores, rules and
the queue (dbt_project), how good the rules are (orchestration.backtest).
"""
