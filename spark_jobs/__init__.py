"""The streaming job: Kafka records in, one atomic batch of tagged records in BigQuery out. Knows nothing of Dagster."""
