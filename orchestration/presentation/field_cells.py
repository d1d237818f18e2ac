"""Unknown fields as cells.

Belongs here: columns and cells. Does not belong here: finding the fields.
"""

COLUMNS = ("field", "payments", "values", "example", "first seen", "last seen", "looks like", "column", "does not fit")


def cells(field: object) -> list[object]:
    """A row of COLUMNS from a spark_jobs.corrections.promoted_fields.UnknownField."""
    names = ("name", "payments", "distinct_values", "example", "first_seen_at", "last_seen_at")
    shown = [getattr(field, name) for name in names]
    shown[4:6] = [f"{moment:%Y-%m-%d %H:%M:%S}" for moment in shown[4:6]]
    return [*shown, *(getattr(field, name) for name in ("inferred_type", "promoted_as", "misfits"))]
