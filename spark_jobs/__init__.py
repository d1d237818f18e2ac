"""The streaming job: Kafka records in, one atomic batch of tagged records out. Knows nothing of Dagster.

Belongs here: one package per step of a payment's way, from `source` to `sinks`; `driver` runs them; `settings`,
`incidents` and `crash_points` are for all. Does not belong here: when a run starts (orchestration), what payments
mean (dbt).
"""
