"""Brings the parts of the code location together. Belongs here: the one function, each part of it replaceable."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.asset_checks import DEFAULT_CHECKS, DELTA_CHECKS, WATCH_CHECKS
from orchestration.assets.dbt_models import warehouse_assets
from orchestration.assets.external import OUTSIDE
from orchestration.assets.fraud_backtest import fraud_backtest
from orchestration.assets.kafka_offsets import kafka_offsets
from orchestration.assets.late_payments import payment_corrections
from orchestration.assets.payment_backfill import payment_backfill
from orchestration.assets.sealed_days import day_seals, sealed_days_are_as_they_were_sealed
from orchestration.assets.streaming import publish_payments
from orchestration.jobs import default_jobs
from orchestration.links.documents import explained
from orchestration.resources.factories import DEFAULT_RESOURCES
from orchestration.schedules import DEFAULT_SCHEDULES
from orchestration.sensors import DEFAULT_SENSORS
from orchestration.settings import is_delta_a_sink


def build_defs(
    *,
    manifest: Path | None = None,
    resources: Mapping[str, Any] | None = None,
    sensors: Sequence[dg.SensorDefinition] = DEFAULT_SENSORS,
    schedules: Sequence[dg.ScheduleDefinition] = DEFAULT_SCHEDULES,
    loggers: Mapping[str, dg.LoggerDefinition] | None = None,
    has_delta: bool | None = None,
) -> dg.Definitions:
    """Fresh definitions. `resources` replaces single ones by key; `manifest` stands in for the project's own.

    Delta's checks are there where Delta is a sink, by default as the environment says.

    Raises:
        SettingError: the dbt project was never parsed.
    """
    delta_checks = DELTA_CHECKS if (is_delta_a_sink() if has_delta is None else has_delta) else []
    return dg.Definitions(
        assets=dg.map_asset_specs(
            explained,
            [
                *OUTSIDE,
                publish_payments,
                payment_corrections,
                payment_backfill,
                kafka_offsets,
                warehouse_assets(manifest),
                fraud_backtest,
                day_seals,
            ],
        ),
        asset_checks=[*DEFAULT_CHECKS, *WATCH_CHECKS, *delta_checks, sealed_days_are_as_they_were_sealed],
        jobs=default_jobs(delta_checks),
        sensors=sensors,
        schedules=schedules,
        resources={**DEFAULT_RESOURCES, **(resources or {})},
        loggers=loggers,
    )
