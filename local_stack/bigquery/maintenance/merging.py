"""Many small files of a table become few. Runs in the warehouse's environment, as the server does.

Belongs here: which files, how many at once. Does not belong here: when a table is free for it (gate).

Files are merged as soon as there are many of one size: a row is written anew once for each size. Old states of the
table can still be asked for. Each merge is one short transaction: a kill loses none of it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from local_stack.bigquery.maintenance.gate import MergingGate
from local_stack.bigquery.maintenance.statements import fetch, metadata_of, text_of

_PATIENCE_SECONDS = 5.0
"""How long a merge waits for the jobs that may delete from its table; it is tried again in the next round."""
_SIZES = (0, 64 * 2**10, 2**20, 16 * 2**20)
"""Files are merged with those of their own size: between two of these. Larger ones are left as they are."""
_MANY = 32
_MOST_AT_ONCE = 64
_MOST_BYTES = 32 * 2**20
"""What is merged in one piece: jobs wait for it."""
_MOST_DELETES = 16
_DELETED_SHARE = 0.05
"""A table with so many files that have deleted rows is written anew, but for files with a smaller share of them."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Files of one table that are better merged: so many, of so many bytes all together."""

    dataset: str
    table: str
    least_bytes: int
    most_bytes: int
    files: int
    bytes: int

    @property
    def place(self) -> tuple[str, str, int]:
        """Table and size."""
        return self.dataset, self.table, self.least_bytes

    @property
    def target_kib(self) -> int:
        """How large a merged file may get, so that one has the most files and bytes that are merged at once."""
        mean = self.bytes / self.files
        return max(1, int(min(mean * min(self.files, _MOST_AT_ONCE), _MOST_BYTES) / 1024) + 1)


class Merging:
    """Merges, table by table."""

    def __init__(self, gate: MergingGate) -> None:
        self._gate = gate
        self._left: dict[tuple[str, tuple[str, str, int]], int] = {}
        """Crowds that DuckLake does not merge, by how many they were: of several partitions or schemas, say."""

    def pieces(self, project_id: str) -> Iterator[Callable[[], object]]:
        """What is to be merged now; each is bounded, and good for itself."""
        for crowd in crowds(project_id):
            yield partial(self._merge, project_id, crowd)
        for dataset, table in _with_deletes(project_id):
            yield partial(self._rewrite, project_id, dataset, table)

    def _merge(self, project_id: str, crowd: Crowd) -> None:
        key = (project_id, crowd.place)
        if crowd.files < self._left.get(key, 0) + _MANY:
            return
        call = (
            f"select files_processed from ducklake_merge_adjacent_files({text_of(project_id)}, {text_of(crowd.table)}, "
            f"schema => {text_of(crowd.dataset)}, max_compacted_files => 1, "
            f"min_file_size => {crowd.least_bytes}, max_file_size => {crowd.most_bytes})"
        )
        merged = self._change(crowd.table, f"set session ducklake_target_file_size = '{crowd.target_kib}KiB'", call)
        self._left[key] = crowd.files if merged == [] else 0

    def _rewrite(self, project_id: str, dataset: str, table: str) -> None:
        self._change(
            table,
            f"call ducklake_rewrite_data_files({text_of(project_id)}, {text_of(table)}, schema => {text_of(dataset)}, "
            f"delete_threshold => {_DELETED_SHARE})",
        )

    def _change(self, table: str, *statements: str) -> list[Any] | None:
        """What the last statement answers; None where the table was not free."""
        from local_bigquery.engine import database

        rows: list[Any] | None = None
        with self._gate.merging(table, _PATIENCE_SECONDS) as is_free:
            if is_free:
                with database.cursor() as cursor:
                    for statement in statements:
                        rows = cursor.execute(statement).fetchall()
        return rows


def crowds(project_id: str) -> list[Crowd]:
    """Many files of one table and one size, the most files first."""
    catalog, sizes = metadata_of(project_id), ", ".join(f"({n})" for n in _SIZES)
    rows = fetch(
        f"""
        with sizes as (select least, lead(least) over (order by least) as most from (values {sizes}) as s(least)),
        present as (
            select table_id, file_size_bytes, least, most
            from {catalog}.ducklake_data_file as f join sizes
                on f.file_size_bytes >= least and f.file_size_bytes < most
            where f.end_snapshot is null and not exists (
                select 1 from {catalog}.ducklake_delete_file as d
                where d.data_file_id = f.data_file_id and d.end_snapshot is null
            )
        )
        select schema_name, table_name, least, most, count(*), sum(file_size_bytes)::bigint
        from present
        join {catalog}.ducklake_table as t using (table_id)
        join {catalog}.ducklake_schema as s using (schema_id)
        where t.end_snapshot is null and s.end_snapshot is null
        group by all having count(*) >= {_MANY}
        order by count(*) desc
        """
    )
    return [Crowd(*row) for row in rows]


def _with_deletes(project_id: str) -> list[Any]:
    catalog = metadata_of(project_id)
    return fetch(
        f"""
        select schema_name, table_name
        from {catalog}.ducklake_delete_file as d
        join {catalog}.ducklake_data_file as f using (data_file_id)
        join {catalog}.ducklake_table as t on t.table_id = f.table_id
        join {catalog}.ducklake_schema as s using (schema_id)
        where d.end_snapshot is null and f.end_snapshot is null and t.end_snapshot is null and s.end_snapshot is null
            and d.delete_count >= {_DELETED_SHARE} * f.record_count
        group by all having count(*) >= {_MOST_DELETES}
        """
    )
