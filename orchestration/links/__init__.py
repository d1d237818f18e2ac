"""Where a person goes on from what Dagster's UI shows: pages of the documents, runbooks, the query of offending rows.

Belongs here: addresses, and the metadata that carries them. Does not belong here: the pages (docs), what is checked
(asset_checks, assets, watch).
"""
