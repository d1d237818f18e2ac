"""The pipelines of many tutorials, as short as they show them, and the disasters that follow, beside ours.

Belongs here: pipelines that fail, and what they fail at. Does not belong here: anything that mends them, and breaks of
our own pipeline (breaks).
"""
