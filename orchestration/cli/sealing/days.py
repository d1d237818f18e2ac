"""A day as a person writes it. Belongs here: reading it. Does not belong here: what is done with it."""

from datetime import date

import typer


def day_of(text: str) -> date:
    """YYYY-MM-DD. Raises BadParameter."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"a day is YYYY-MM-DD, not {text!r}") from None
