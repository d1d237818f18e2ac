"""What is wrong among the payments, each with its label: retries, late and broken events, fraud.

Belongs here: faults and fraud. Does not belong here: sending.
"""
