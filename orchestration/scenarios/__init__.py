"""The scenarios of the field, each shown on real parts and proved: one module each, and what they share.

Belongs here: what a scenario does and what must hold after it. Does not belong here: the platform's own work; nothing
of the platform imports a scenario, but for the command.
"""
