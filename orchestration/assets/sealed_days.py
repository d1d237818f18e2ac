"""Sealing the days that are over, as an asset, and holding sealed days against their seals, as its check.

Belongs here: the asset, the check, which days are looked at. Does not belong here: what a seal is (spark_jobs.sealing).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import names
from orchestration.links.ways_out import rows_of, way_out
from orchestration.settings import StackSettings
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.warehouse.job_labels import Work

if TYPE_CHECKING:
    from spark_jobs.sealing.seals import Seal

BY = "the schedule seal_days"


class SealConfig(dg.Config):
    """Which of the seals the check looks at, beside the newest."""

    sampled: int = 1


@dg.asset(
    key=names.DAY_SEALS,
    description=catalog.DAY_SEALS.description,
    deps=[names.DELIVERIES],
    group_name="audit",
    kinds={"bigquery"},
    owners=names.OWNERS,
)
def day_seals(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[StackSettings], bigquery: dg.ResourceParam[Any]
) -> dg.MaterializeResult[None]:
    """Seal each day that is over, and keep its report; then have days expire that are older than is kept."""
    from orchestration.compliance.reporting import keep, make
    from spark_jobs.retention.expire import expire
    from spark_jobs.sealing.seal_days import seal_days

    with bigquery.get_client(Work.SEAL) as client:
        made = list(seal_days(client, settings.job, BY, datetime.now(UTC)))
        for seal in made:
            # Kept as it is known now, with the verdicts of now.
            keep(client, settings.job, make(client, settings.job, seal.day, BY, datetime.now(UTC)))
        expired = expire(client, settings.job, BY, datetime.now(UTC))
    for seal in made:
        context.log.info(f"{seal.day}: {seal.payment_count} payments, digest {seal.digest}")
    for each in expired:
        held = f"; {each.held_days} days more, until they are sealed" if each.held_days else ""
        context.log.info(f"{each.kept} is kept from {each.kept_from} on{held}")
    kept_from = {each.kept: str(each.kept_from) for each in expired}
    return dg.MaterializeResult(metadata={"sealed": [str(seal.day) for seal in made], "kept_from": kept_from})


@dg.asset_check(
    asset=names.DAY_SEALS,
    description="The chain of seals is whole, and the newest and a few other sealed days are as they were sealed.",
)
def sealed_days_are_as_they_were_sealed(
    config: SealConfig, settings: dg.ResourceParam[StackSettings], bigquery: dg.ResourceParam[Any]
) -> dg.AssetCheckResult:
    """It reads the payments of the days that it looks at, and every seal."""
    from spark_jobs.sealing.recheck import recheck

    with bigquery.get_client(Work.SEAL) as client:
        broken, days = recheck(client, settings.job, lambda seals: newest_and_sampled(seals, config.sampled))
    problems = broken + [f"{day.seal.day}: {problem}" for day in days for problem in day.problems]
    return judge_seals(problems, [str(day.seal.day) for day in days], settings.job)


def judge_seals(problems: Sequence[str], looked_at: Sequence[str], job: JobSettings) -> dg.AssetCheckResult:
    """Whether nothing was found; otherwise with the seals of the days that were looked at."""
    metadata: dict[str, Any] = {"looked_at": list(looked_at), "problems": list(problems)}
    if problems:
        days = ", ".join(f"'{day}'" for day in looked_at)
        metadata |= way_out("audit", rows_of(job, catalog.DAY_SEALS.name, f"day in ({days})" if days else "true"))
    return dg.AssetCheckResult(passed=not problems, metadata=metadata)


def newest_and_sampled(seals: "Sequence[Seal]", sampled: int) -> "list[Seal]":
    """The newest seal, and so many of the others: each is as likely as another."""
    from random import SystemRandom

    others = seals[:-1]
    return [*SystemRandom().sample(others, min(sampled, len(others))), *seals[-1:]]
