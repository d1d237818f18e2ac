"""Measurements: what is claimed in the docs is written there by what is in here. No test times anything."""
