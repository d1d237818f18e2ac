"""The proof: rules over the tables, and the reads they are held against.

Belongs here: verify and audit, without their printing. Does not belong here: the commands (cli), dbt's tests.
"""
