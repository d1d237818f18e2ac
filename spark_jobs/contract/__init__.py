"""The contract of a payment event: its fields, the lists of codes it refers to, and moments in time.

Belongs here: what a payment is. Pure Python, quick to import. Does not belong here: reading bytes (parsing), tables
(tables).
"""
