"""A real stack that all integration tests share, and a sandbox of it for each test: topic, dataset and checkpoint."""

from dataclasses import dataclass

from deltalake import DeltaTable

from orchestration.scenarios.harness.sandbox import Sandbox
from orchestration.scenarios.harness.sandbox import event as event
from spark_jobs.file_systems import delete_folder
from spark_jobs.sinks.delta.tables import query, storage_options, uri_of
from spark_jobs.tables import catalog
from spark_jobs.tables.row_types import Place
from spark_jobs.tables.row_types import Row as Row


@dataclass
class World(Sandbox):
    """One test's sandbox of the shared stack."""

    def deliveries(self) -> dict[Place, Row]:
        """As ever, but one that is stored twice fails the test that asks."""
        try:
            return super().deliveries()
        except LookupError as twice:
            raise AssertionError(str(twice)) from None

    def delta_rows(self, table: catalog.Table) -> list[Row]:
        """What Delta holds; nothing where the table was never made."""
        uri = uri_of(self.settings, table)
        options = storage_options(uri)
        if not DeltaTable.is_deltatable(uri, options):
            return []
        batches = query(DeltaTable(uri, storage_options=options), "select * from t")
        return [row for batch in batches for row in batch.to_pylist()]

    def lose_checkpoint(self) -> None:
        delete_folder(self.settings.checkpoint_location)
