"""An asset that leaves an event and a check of it in Dagster's records, whenever it is materialized.

Belongs here: these two. Does not belong here: what becomes of the records (the tests of retention).
"""

import dagster as dg


@dg.asset
def counted(context: dg.AssetExecutionContext) -> None:
    context.log.info("counted")


@dg.asset_check(asset=counted)
def is_counted() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)
