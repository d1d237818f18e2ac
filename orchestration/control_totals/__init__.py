"""What senders report: from a manifest, from a file, under steady traffic.

Belongs here: reports and how they reach the warehouse. Does not belong here: holding them against deliveries (dbt).
"""
