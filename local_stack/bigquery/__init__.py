"""The local warehouse: BigQuery's REST API answered by local-bigquery.

Belongs here: its process, its server. Does not belong here: what is changed in local-bigquery for speed (patches).
"""
