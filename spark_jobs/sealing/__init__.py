"""Days that are over: sealed once, checked against their seals, and proved payment by payment.

Belongs here: what a seal is made of, making it, and what follows from it. Does not belong here: commands and schedules
(orchestration), the digests of batches (tables).
"""
