"""Payments on their way to Kafka, and the manifest of what was acknowledged.

Belongs here: producers, bulk loads, the manifest. Does not belong here: what is sent.
"""
