"""The assets: streaming for what Spark publishes, dbt_models for what dbt builds."""
