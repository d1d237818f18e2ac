"""The Kafka topic: how it is described, streamed, and read again.

Belongs here: every Kafka client of the streaming job, offsets and their text. Does not belong here: what is inside a
record (parsing).
"""
