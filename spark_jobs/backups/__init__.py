"""A copy of all tables at one moment, and going back to it.

Belongs here: making the copy, checking that it is whole, putting it back. Does not belong here: what the stream does
afterwards (driver): it goes on from the control row, as ever.
"""
