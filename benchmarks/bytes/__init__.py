"""What BigQuery would bill for every statement that the product sends, worked out from the statements themselves.

Belongs here: recording statements, resolving them by Google's analyzer, what of each table they read, the arithmetic
and its page. Does not belong here: what really was billed (orchestration), timing (measurements).
"""
