"""Erasing what names one account: the search, the transaction, the copies.

Belongs here: everything that an erasure reads and deletes. Does not belong here: the tables of receipts (tables).
"""
