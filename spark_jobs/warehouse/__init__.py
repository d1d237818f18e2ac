"""BigQuery as a service: the client, retries, table set-up, load jobs, transactions, the control row.

Belongs here: how the warehouse is asked. Does not belong here: what a batch or a correction consists of.
"""
