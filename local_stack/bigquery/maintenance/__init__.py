"""Keeps the local warehouse from growing for ever. Runs in the warehouse's environment, as the server does.

Belongs here: merging small files, and forgetting what nobody may ask for any more. Does not belong here: what is wrong
or slow in local-bigquery (patches).
"""
