"""What each patch of the local warehouse is worth.

Belongs here: batches and builds with a patch and without it, and what the difference is. Does not belong here: what the
product costs (measurements), the patches.
"""
