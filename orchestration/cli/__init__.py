"""The commands of `payments`, one module per concern.

Belongs here: arguments, what is printed, exit codes. Heavy imports live inside the functions: help must be quick.
Does not belong here: the work itself.
"""
