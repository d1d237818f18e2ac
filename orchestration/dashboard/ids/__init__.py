"""The one page that names payments, accounts and what a record says: for those who have the role, each view on record.

Belongs here: who may see it, the record of who did, what is read for it, how it is written. Does not belong here: all
other pages and the metrics, which name nobody (dashboard), routes (dashboard.serving).
"""
