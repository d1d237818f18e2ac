"""What the scenarios share: a stack, a sandbox in it, a transcript, proofs.

Belongs here: what more than one scenario needs. Does not belong here: a scenario's transcript.
"""
