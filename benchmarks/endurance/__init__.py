"""What grows with time: the stack at work for long.

Belongs here: running it, sampling it, and the trend of each quantity. Does not belong here: speed (measurements).
"""
