"""What runs are given: broker, warehouse, Spark, dbt.

Belongs here: resources and how they are made from settings. Does not belong here: decisions.
"""
