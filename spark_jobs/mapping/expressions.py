"""Where a value comes from, as the user writes it: paths, texts, functions and `+`, read into a tree.

    expression = term { "+" term }
    term       = "text" | 'text' | function "(" [ expression { "," expression } ] ")" | path
    path       = name { "." name | "[" step "]" }
    step       = "name" | position | only | name "=" ( "text" | name )

Belongs here: the grammar and the tree. Does not belong here: finding values in a document (readers). Pure text.
"""

import re
from dataclasses import dataclass

FUNCTIONS: dict[str, tuple[int, int | None]] = {
    "upper": (1, 1),
    "lower": (1, 1),
    "trim": (1, 1),
    "pad": (2, 2),
    "after_last": (2, 2),
    "first": (2, None),
    "if_there": (2, 2),
    "hash": (1, None),
    "escape": (1, None),
    "header": (1, 1),
    "key": (0, 0),
    "timestamp": (0, 0),
}
"""Each function with the least and the greatest number of its arguments."""

_LONGEST_WORD = 512
_TOKEN = re.compile(r"""\s*(?:("[^"]*"|'[^']*')|([^\s.\[\]()"'+,=]+)|([.\[\]()+,=]))""")


@dataclass(frozen=True, slots=True)
class Key:
    """A step into an object."""

    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """A step into a list: its element at a position, from 0; negative from the end."""

    position: int


@dataclass(frozen=True, slots=True)
class Only:
    """A step into a list that has one element. Of two, one would be money that nobody sees."""


@dataclass(frozen=True, slots=True)
class Select:
    """A step into a list of objects: the one whose field has this text."""

    name: str
    value: str


type Step = Key | Index | Only | Select


@dataclass(frozen=True, slots=True)
class Literal:
    """A text that is the same for every record."""

    text: str


@dataclass(frozen=True, slots=True)
class Path:
    """A place in the document."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function of FUNCTIONS."""

    name: str
    arguments: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Concatenation:
    """Texts one after the other."""

    parts: tuple["Expression", ...]


type Expression = Literal | Path | Call | Concatenation


class ExpressionError(ValueError):
    """The text is no expression. The message is half a sentence that names what was met."""


def parse_expression(text: str) -> Expression:
    """The tree of an expression.

    Raises:
        ExpressionError: the text is none.
    """
    try:
        return _Parser(text).whole()
    except RecursionError:
        raise ExpressionError("is nested too deeply") from None


def is_constant(expression: Expression) -> bool:
    """Whether it gives the same text for every record."""
    match expression:
        case Literal():
            return True
        case Concatenation(parts):
            return all(map(is_constant, parts))
        case Call("first", arguments):
            return is_constant(arguments[0])
        case Call(_, arguments):
            return bool(arguments) and all(map(is_constant, arguments)) and expression.name != "header"
    return False


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0

    def whole(self) -> Expression:
        if not self._tokens:
            raise ExpressionError("is empty: write a path, such as data.id, or a text in quotes")
        expression = self._expression()
        if self._at < len(self._tokens):
            raise ExpressionError(f"goes on with {self._tokens[self._at]!r} where it should end")
        return expression

    def _expression(self) -> Expression:
        parts = [self._term()]
        while self._take("+"):
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else Concatenation(tuple(parts))

    def _term(self) -> Expression:
        word = self._next("a path, a text in quotes or a function")
        if word[0] in "\"'":
            return Literal(word[1:-1])
        if word == "[":
            self._at -= 1
            return Path(self._steps([]))
        if word in ".]()+,=":
            raise ExpressionError(f"has {word!r} where a path, a text in quotes or a function should stand")
        if self._take("("):
            return self._call(word)
        return Path(self._steps([Key(word)]))

    def _call(self, name: str) -> Expression:
        if name not in FUNCTIONS:
            raise ExpressionError(f"calls {name!r}, which is none of the functions {', '.join(FUNCTIONS)}")
        arguments: list[Expression] = []
        while not self._take(")"):
            if arguments:
                self._expect(",")
            arguments.append(self._expression())
        least, most = FUNCTIONS[name]
        if len(arguments) < least or (most is not None and len(arguments) > most):
            wanted = f"{least}" if least == most else f"{least} or more"
            raise ExpressionError(f"gives {name}() {len(arguments)} arguments; it takes {wanted}")
        _check_arguments(name, arguments)
        return Call(name, tuple(arguments))

    def _steps(self, steps: list[Step]) -> tuple[Step, ...]:
        while True:
            if self._take("."):
                steps.append(Key(self._name()))
            elif self._take("["):
                steps.append(self._bracket())
                self._expect("]")
            else:
                return tuple(steps)

    def _bracket(self) -> Step:
        word = self._next("a position, a name in quotes, only, or name=value")
        if word[0] in "\"'":
            return Key(word[1:-1])
        if re.fullmatch("-?[0-9]{1,6}", word):
            return Index(int(word))
        if self._take("="):
            value = self._next("the value to look for")
            return Select(word, value[1:-1] if value[0] in "\"'" else value)
        if word == "only":
            return Only()
        raise ExpressionError(f"has [{word}]: write [0], [only], [name=value] or, for an odd name, ['{word}']")

    def _name(self) -> str:
        word = self._next("a name after the dot")
        if word in ".[]()+,=" or word[0] in "\"'":
            raise ExpressionError(f"has {word} after a dot: write an odd name as ['name']")
        return word

    def _next(self, wanted: str) -> str:
        if self._at == len(self._tokens):
            raise ExpressionError(f"ends where {wanted} should stand")
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, word: str) -> bool:
        taken = self._at < len(self._tokens) and self._tokens[self._at] == word
        self._at += taken
        return taken

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise ExpressionError(f"lacks a {word!r}")


def _check_arguments(name: str, arguments: list[Expression]) -> None:
    if name == "header" and not isinstance(arguments[0], Literal):
        raise ExpressionError("asks for a header without quotes: write header('name')")
    if name == "after_last" and not (isinstance(arguments[1], Literal) and arguments[1].text):
        raise ExpressionError("looks for no text: write after_last(path, '/')")
    if name == "pad":
        width = arguments[1]
        is_number = isinstance(width, Path) and len(width.steps) == 1 and isinstance(width.steps[0], Key)
        if not (is_number and re.fullmatch("[1-9][0-9]?", width.steps[0].name)):  # type: ignore[union-attr]
            raise ExpressionError("pads to no width: write pad(path, 4)")


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ExpressionError(f"cannot be read from {text[at:][:20]!r} on: a quote is not closed")
        word = token[1] or token[2] or token[3]
        if len(word) > _LONGEST_WORD:
            raise ExpressionError(f"has a word of {len(word)} characters; the longest may have {_LONGEST_WORD}")
        tokens.append(word)
        at = token.end()
    return tokens
