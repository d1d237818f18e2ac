"""List prices, and what others charge for bringing the same payments into BigQuery.

Belongs here: prices with their sources, and arithmetic with them. Does not belong here: bytes (volumes). United States,
dollars, before free tiers and discounts. `Source` says how far each was checked: docs/costs.md prints it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

GIB, TIB = 2**30, 2**40
DAY_SECONDS = 86_400
EVENT_BYTES = 390
"""Of a payment's message."""


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for one unit, and where the figure comes from."""

    dollars: float
    unit: str
    source: str


ON_DEMAND = Price(6.25, "TiB billed", "Google's pricing page as read by others on 2026-09-28")
SLOT_HOUR = Price(0.04, "slot and hour, Standard", "three public repositories that cite Google's pricing page")
SLOT_SECONDS_A_GIB = Price(
    198, "GiB billed", "one published build of 8 models and 9 checks: 1,706,455 slot-ms for 8.624 GiB"
)
"""No dollars: slot-seconds."""
DATAFLOW_VCPU_HOUR = Price(0.069, "vCPU and hour", "Apache Beam's own cost constants")
DATAFLOW_GB_HOUR = Price(0.0035557, "GB of memory and hour", "Apache Beam's own cost constants")
DATAFLOW_ENGINE_GB = Price(0.018, "GB through Streaming Engine", "Apache Beam's own cost constants")
WRITE_API_GIB = Price(0.025, "GiB written", "a public repository that cites Google's pricing page")
CONFLUENT_GB = Price(0.05, "GB out of Kafka", "Confluent's published plans, 2026-09-05")
CONFLUENT_CONNECTOR_GB = Price(0.025, "GB through the connector", "assumed")
CONFLUENT_TASKS_DAY = Price(9.6, "day for two tasks of the sink", "assumed: 0.10 to 0.30 an hour each")
FLINK_CFU_HOUR = Price(0.21, "CFU and hour", "Confluent's documentation on billing")
ESTUARY_GB = Price(0.50, "GB moved, in and out", "Estuary's documentation on pricing")
ESTUARY_CONNECTOR_MONTH = Price(100, "connector and month", "Estuary's documentation on pricing")
ENGINE_SHARE = 3.57
"""Bytes through Dataflow's Streaming Engine for a byte read, exactly once: as Beam's authors measured it."""
EVENTS_A_VCPU = 6_000
"""A second, exactly once: as Beam's authors measured it."""
FLINK_EVENTS_A_CFU = 2_000
"""Assumed."""


def on_demand(billed_bytes: float) -> float:
    """Dollars."""
    return billed_bytes / TIB * ON_DEMAND.dollars


def by_slots(billed_bytes: float) -> float:
    """Dollars, if a build of ours needs as many slot-seconds a GiB as the one that was published."""
    return billed_bytes / GIB * SLOT_SECONDS_A_GIB.dollars / 3600 * SLOT_HOUR.dollars


def peers(payments_per_second: float) -> Mapping[str, tuple[float, str]]:
    """Dollars a day for bringing the payments in, without any model, and the arithmetic, by name."""
    daily = payments_per_second * DAY_SECONDS * EVENT_BYTES
    gb, gib = daily / 1e9, daily / GIB
    cores = max(2.0, 2 * payments_per_second / EVENTS_A_VCPU)
    dataflow = (
        cores * 24 * DATAFLOW_VCPU_HOUR.dollars
        + cores * 4 * 24 * DATAFLOW_GB_HOUR.dollars
        + gb * ENGINE_SHARE * DATAFLOW_ENGINE_GB.dollars
        + gib * WRITE_API_GIB.dollars
    )
    units = max(1.0, payments_per_second / FLINK_EVENTS_A_CFU)
    confluent = (
        gb * (CONFLUENT_GB.dollars + CONFLUENT_CONNECTOR_GB.dollars)
        + CONFLUENT_TASKS_DAY.dollars
        + units * 24 * FLINK_CFU_HOUR.dollars
        + gib * WRITE_API_GIB.dollars
    )
    estuary = 2 * gb * ESTUARY_GB.dollars + 2 * ESTUARY_CONNECTOR_MONTH.dollars / 30
    return {
        "Dataflow, exactly once": (
            dataflow,
            f"{cores:.1f} vCPU with 4 GB each; {gb:,.1f} GB x {ENGINE_SHARE} through Streaming Engine; "
            f"{gib:,.1f} GiB written",
        ),
        "Confluent's sink and Flink": (
            confluent,
            f"{gb:,.1f} GB out of Kafka and through the connector; two tasks; {units:.1f} CFU; {gib:,.1f} GiB written",
        ),
        "Estuary": (estuary, f"{gb:,.1f} GB in and {gb:,.1f} GB out; two connectors"),
    }
