"""Expressions over columns: the places that one asks for, and the same expression over a record of just them.

Belongs here: which expressions ask for nothing but places with names. Does not belong here: finding values (readers),
columns (by_columns). Pure.
"""

from collections.abc import Iterable

from spark_jobs.decoding.columns.places import Place
from spark_jobs.mapping.expressions import Call, Concatenation, Expression, Key, Literal, Path

_OF_KAFKA = ("key", "header", "timestamp")


class NotFlat(ValueError):
    """An expression asks for a place in a list, or for what Kafka knows of a record."""


def flat(expressions: Iterable[Expression]) -> tuple[tuple[Place, ...], list[Expression]]:
    """The places of some expressions, and the expressions for documents that have the places' values as 0, 1, 2 ...

    Raises:
        NotFlat: they need more than the values of places.
    """
    places: dict[Place, str] = {}
    over = [_over(expression, places) for expression in expressions]
    return tuple(places), over


def _over(expression: Expression, places: dict[Place, str]) -> Expression:
    if isinstance(expression, Literal):
        return expression
    if isinstance(expression, Path):
        names = tuple(step.name for step in expression.steps if isinstance(step, Key))
        if len(names) < len(expression.steps):
            raise NotFlat
        return Path((Key(places.setdefault(names, str(len(places)))),))
    if isinstance(expression, Concatenation):
        return Concatenation(tuple(_over(part, places) for part in expression.parts))
    if expression.name in _OF_KAFKA:
        raise NotFlat
    # The second argument of pad() is a number, which is written as a path is.
    count = 1 if expression.name == "pad" else len(expression.arguments)
    asked = tuple(_over(argument, places) for argument in expression.arguments[:count])
    return Call(expression.name, asked + expression.arguments[count:])
