"""Kafka records in any of the usual formats into plain Python documents, or into the reasons why they are none.

Belongs here: formats, envelopes, wire formats, and the one client of the schema registry. Does not belong here: which
of a document's values is which field of a payment (mapping), what a field may say (parsing).
"""
