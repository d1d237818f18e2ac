"""Who pays whom, when, and the valid payments they make.

Belongs here: accounts, merchants, clocks, payments. Does not belong here: faults, fraud, sending.
"""
