"""The breaks by name. Belongs here: the list, and nothing that acts. Does not belong here: a break itself."""

from collections.abc import Callable

from orchestration.breaks import (
    broker_down,
    checkpoint_corrupted,
    data_lost,
    disasters,
    double_money,
    fraud_scores_wrong,
    latency_high,
    out_of_memory,
    state_growing,
)
from orchestration.scenarios.harness.sandbox import Sandbox
from orchestration.scenarios.harness.transcript import Transcript

BREAKS: dict[str, Callable[[Sandbox, Transcript], None]] = {
    "state-growing": state_growing.run,
    "double-money": double_money.run,
    "latency-high": latency_high.run,
    "checkpoint-corrupted": checkpoint_corrupted.run,
    "data-lost": data_lost.run,
    "fraud-scores-wrong": fraud_scores_wrong.run,
    "out-of-memory": out_of_memory.run,
    "broker-down": broker_down.run,
    "no-watermark": disasters.no_watermark,
    "no-deduplication": disasters.no_deduplication,
    "checkpoint-not-persistent": disasters.checkpoint_not_persistent,
    "deduplication-after-enrichment": disasters.deduplication_after_enrichment,
    "state-above-memory": disasters.state_above_memory,
}
"""In the order of docs/troubleshooting.md."""
