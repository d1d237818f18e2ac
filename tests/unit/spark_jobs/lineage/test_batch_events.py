"""What is told of a published batch: from the topic by offsets, into three tables by rows."""

import json
from datetime import timedelta
from typing import Any

from openlineage.client.serde import Serde

from spark_jobs.lineage.batch_events import PRODUCER, batch_events
from spark_jobs.publishing.checks import report_of
from tests.unit.spark_jobs.batches import BATCH, CONTROL, INTERVAL, SETTINGS

REPORT = report_of(BATCH, CONTROL, 0.5, 0.25)


def given() -> list[dict[str, Any]]:
    return [json.loads(Serde.to_json(event)) for event in batch_events(SETTINGS, "acme", REPORT)]


def test_a_batch_begins_and_ends_under_one_id_which_is_the_same_whoever_tells_of_it() -> None:
    start, end = given()
    assert (start["eventType"], end["eventType"]) == ("START", "COMPLETE")
    assert start["run"] == end["run"] == given()[0]["run"]
    assert start["job"]["namespace"] == "acme"
    assert start["job"]["name"] == "payments.publish_batch"
    assert end["eventTime"] == REPORT.published_at.isoformat()
    assert start["eventTime"] == (REPORT.published_at - timedelta(seconds=REPORT.batch_seconds)).isoformat()


def test_the_topic_is_read_by_offsets_and_the_tables_are_written_by_rows() -> None:
    for event in given():
        [topic] = event["inputs"]
        assert (topic["namespace"], topic["name"]) == ("kafka://127.0.0.1:9092", "payment-events")
        assert topic["inputFacets"]["inputStatistics"]["rowCount"] == REPORT.delivered
        [location] = topic["inputFacets"]["subset"]["inputCondition"]["locations"]
        assert all(f'"{p}":{offset}' in location for p, offset in (*INTERVAL.start.items(), *INTERVAL.end.items()))
        rows = {each["name"]: each["outputFacets"]["outputStatistics"]["rowCount"] for each in event["outputs"]}
        dataset = f"{SETTINGS.project}.{SETTINGS.dataset}"
        assert rows == {
            f"{dataset}.payment_deliveries": REPORT.delivered,
            f"{dataset}.payment_transactions": REPORT.unique,
            f"{dataset}.batch_ledger": 1,
        }


def test_every_facet_says_who_made_it_and_by_which_schema() -> None:
    def facets(value: Any) -> list[dict[str, Any]]:
        if isinstance(value, list):
            return [found for each in value for found in facets(each)]
        if not isinstance(value, dict):
            return []
        mine = [value] if "_schemaURL" in value else []
        return [*mine, *(found for each in value.values() for found in facets(each))]

    found = facets(given())
    assert len(found) == 2 * 6
    assert {facet["_producer"] for facet in found} == {PRODUCER}
    assert all(facet["_schemaURL"].startswith("https://openlineage.io/spec/") for facet in found)
