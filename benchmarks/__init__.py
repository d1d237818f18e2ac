"""Measurements: what is claimed in the docs is written there by what is in here. No test times anything.

Belongs here: ours beside its peers (contest, peers), ours alone (measurements), what they share (harness). Does not
belong here: tests, the product.
"""
