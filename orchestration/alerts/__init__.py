"""The alerts: what each goes by, how loud it is, which promise it watches, and where its runbook is.

Belongs here: the one list, and the two promises with their budgets. Does not belong here: the files that are made of it
(alerts.files), telling somebody (notifications), the metrics' values (dashboard).
"""
