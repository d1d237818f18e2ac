"""What the label on the control row's table says."""

from spark_jobs.warehouse.schema_version import VERSION_LABEL, version_of


def test_a_dataset_without_a_label_is_of_the_first_version() -> None:
    assert version_of(None) == version_of({}) == version_of({"team": "payments"}) == 1


def test_the_label_is_the_version() -> None:
    assert version_of({VERSION_LABEL: "12"}) == 12
