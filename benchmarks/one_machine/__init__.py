"""What the product takes on one machine: a build beside many kept days, and how soon a payment has its fraud score.

Belongs here: days of payments in the local warehouse, builds on them, what `make up` comes to. Does not belong here:
speed of the streaming job (measurements), what grows with batches and builds (endurance), dollars (bytes).
"""
