"""The assets: what Spark publishes, what dbt builds, what the broker and people say.

Belongs here: one module per asset or group of assets. Does not belong here: what an asset calls to do its work
(spark_jobs, backtest), checks (asset_checks).
"""
