"""The pipeline of many tutorials, as short as they show it, to be compared with ours.

Belongs here: pipelines that fail. Does not belong here: what becomes of them, and anything that mends them (breaks).
"""
