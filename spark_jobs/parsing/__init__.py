"""Records into typed columns, or into the reasons why they are no payments.

Belongs here: bytes to text, text to fields, the rules of the contract. Does not belong here: which disposition a
valid payment gets (deduplication).
"""
