"""The embedded defaults: a real Kafka broker and a local BigQuery, each started, stopped and asked how it is.

Belongs here: processes, ports and files of the local stack. Does not belong here: topics' contents, tables, pipelines.
Import the concrete modules; nothing is re-exported.
"""
