"""What measurements share: a stack, processes, figures in documents.

Belongs here: tools. Does not belong here: measurements.
"""
