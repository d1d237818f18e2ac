"""Measurements of the product by itself.

Belongs here: one module per figure or table of the docs. Does not belong here: peers (contest).
"""
