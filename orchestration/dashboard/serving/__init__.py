"""The page served: for readers, and the metrics for machines.

Belongs here: routes, headers, ports. Does not belong here: what the page shows (dashboard), who may see ids and what of
them (dashboard.ids).
"""
