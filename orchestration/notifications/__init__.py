"""Telling people: once when an alert fires, and once when it is over, by webhook, Slack and e-mail.

Belongs here: what fires now, what was told already, the channels, their settings. Does not belong here: the list of
alerts (alerts), looking at the pipeline (watch), when it is done (schedules).
"""
