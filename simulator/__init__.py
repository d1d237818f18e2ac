"""Sends simulated payments to Kafka and writes down the truth about every one: `python -m simulator`.

Belongs here: who pays whom (population), what goes wrong (faults), the way to Kafka and the manifest (sending). Does
not belong here: reading the topic, the warehouse.
"""
