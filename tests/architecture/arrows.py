"""The arrows: which room may import from which. Another arrow is a change of the design, and is drawn here first.

Belongs here: the drawing. Does not belong here: the rules (rooms). A room is a package; a module on a house's own floor
is a room of its own.
"""

ARROWS = {
    "spark_jobs": {
        "processor": "driver process_payments publishing settings turns whole_numbers",
        "handed_over": "process_payments publishing settings turns",
        "process_payments": "driver incidents lineage publishing settings source turns",
        "turns": "incidents settings tables warehouse",
        "driver": "file_systems contract crash_points decision_queue decoding deduplication"
        " driver.object_store incidents publishing reading settings sinks source streaming",
        "sinks": "publishing settings sinks.bigquery sinks.delta warehouse",
        "sinks.bigquery": "contract crash_points deduplication incidents publishing reading settings source streaming"
        " tables warehouse",
        "sinks.delta": "file_systems contract crash_points deduplication incidents publishing reading retention"
        " settings source streaming tables warehouse",
        "corrections": "file_systems contract incidents publishing reading retention settings source source.tokens"
        " streaming tables warehouse",
        "decision_queue": "corrections crash_points erasure incidents settings tables turns warehouse",
        "lineage": "publishing settings source tables",
        "backups": "publishing settings tables warehouse",
        "sealing": "incidents retention settings tables utc_days warehouse",
        "retention": "settings tables utc_days warehouse",
        "settings": "kept_days setting_values",
        "whole_numbers": "settings",
        "fraud": "settings tables utc_days warehouse",
        "erasure": "file_systems contract decoding incidents mapping publishing reading settings tables warehouse",
        "warehouse": "crash_points incidents mapping publishing reading settings source tables",
        "publishing": "contract deduplication incidents reading source streaming tables",
        "streaming": "file_systems contract crash_points deduplication reading",
        "reading": "contract decoding decoding.columns mapping parsing settings tables",
        "decoding.columns": "contract decoding parsing",
        "decoding": "contract incidents no_redirects parsing settings",
        "mapping.trials": "contract decoding mapping parsing",
        "mapping": "contract decoding decoding.columns parsing",
        "parsing": "contract",
        "deduplication": "file_systems contract crash_points",
        "source": "incidents settings source.log source.tokens",
        "source.log": "incidents",
        "source.tokens": "incidents no_redirects",
        "tables": "contract settings",
    },
    "orchestration": {
        "definitions": "build",
        "cli": "alerts automation backtest breaks cli.costs cli.decisions cli.fraud cli.mapping cli.monitoring"
        " cli.recovery"
        " cli.sealing control_totals dashboard errors notifications platform presentation resources scenarios"
        " scenarios.harness settings verification watch",
        "cli.mapping": "errors presentation",
        "cli.costs": "platform presentation settings",
        "cli.decisions": "errors platform presentation settings",
        "cli.recovery": "errors platform presentation settings",
        "cli.fraud": "cli.sealing errors platform presentation settings",
        "cli.sealing": "compliance errors platform presentation settings",
        "compliance": "verification",
        "cli.monitoring": "certify dashboard dashboard.ids dashboard.serving errors platform presentation settings",
        "platform": "automation build errors names presentation resources settings watch",
        "build": "asset_checks assets jobs links resources schedules sensors settings",
        "schedules": "jobs names notifications resources settings watch",
        "notifications": "alerts dashboard kept_files names resources settings watch",
        "jobs": "asset_checks assets automation names",
        "asset_checks": "automation links names resources settings verification watch",
        "sensors": "automation names resources settings",
        "lineage": "",
        "links": "alerts names",
        "assets": "automation backtest compliance dataproc lineage links names presentation resources settings",
        "breaks": "alerts automation breaks.naive dashboard errors notifications resources scenarios scenarios.harness"
        " settings verification watch",
        "breaks.naive": "scenarios.harness",
        "scenarios": "assets control_totals presentation scenarios.harness verification",
        "scenarios.harness": "control_totals presentation resources verification",
        "watch": "alerts automation links names resources settings verification",
        "automation": "dataproc names resources settings",
        "settings": "dataproc",
        "backtest": "errors resources settings",
        "certify": "presentation",
        "control_totals": "errors settings",
        "alerts.files": "alerts dashboard",
        "dashboard.serving": "alerts dashboard dashboard.ids settings",
        "dashboard.ids": "dashboard settings",
        "dashboard": "alerts kept_files settings",
        "resources": "errors settings",
        "verification": "settings",
    },
    "simulator": {
        "__main__": "config sending",
        "sending": "config faults population",
        "faults": "config population",
    },
    "local_stack": {
        "bigquery": "bigquery.maintenance bigquery.patches processes",
        "kafka": "java processes",
        "java": "processes",
        "sandbox_home": "processes",
    },
    "benchmarks": {
        "bytes": "harness",
        "contest": "harness peers",
        "endurance": "harness",
        "history": "bytes",
        "measurements": "harness",
        "one_machine": "harness",
        "warehouse": "harness",
    },
    "handbook": {
        "links": "markdown",
        "staging": "links markdown navigation",
        "site": "links site_check staging",
        "console": "markdown",
        "commands": "links markdown",
        "walkthrough": "examples links",
        "summary": "examples links",
        "not_run": "console links",
    },
}
"""House, room, and the rooms of the same house that it may import from."""
