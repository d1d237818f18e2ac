"""The assets: streaming.py for what Spark publishes, warehouse.py for what dbt builds."""
