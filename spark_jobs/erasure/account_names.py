"""What names an account: a text in the bytes of a record, however JSON, a broken sender or a script has written it.

Belongs here: the forms of an account, whole words, escapes. Pure Python. Does not belong here: which records are asked
(account_search). An account is any text: what quarantined records call one is often no id of the contract.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from spark_jobs.contract.payment_event import FIELDS
from spark_jobs.mapping.readers import escape_of, hash_of

MAX_CHARACTERS = 300
MAX_TEXTS_IN_TEXTS = 3
"""How deep JSON is read that stands as a text in JSON."""


class NotAnAccount(ValueError):
    """The text cannot name an account. The message is one line that says why."""


def account_of(text: str) -> str:
    """The account as it is searched for.

    Raises:
        NotAnAccount: nothing can be searched for.
    """
    account = text.strip()
    if not 1 <= len(account) <= MAX_CHARACTERS or not any(character.isalnum() for character in account):
        raise NotAnAccount(f"an account is a text of 1 to {MAX_CHARACTERS} characters with a letter or a digit in it")
    if any(0xD800 <= ord(character) <= 0xDFFF for character in account):
        raise NotAnAccount("an account is given in UTF-8, and these bytes are not")
    return account


def forms_of(account: str) -> list[str]:
    """How Unicode may write it: as it was given, composed, decomposed."""
    composed, decomposed = unicodedata.normalize("NFC", account), unicodedata.normalize("NFD", account)
    return list(dict.fromkeys((account, composed, decomposed)))


IDS = "(@account, @escaped, @hashed)"
"""The values of ids_of, as a list in SQL."""


def ids_of(account: str) -> dict[str, str]:
    """As what a payment may have it for a sender or receiver: as it is, or as a mapping has escaped or hashed it.

    A published payment keeps nothing of its record in which the account could be read. What was hashed together with
    another text is not found.
    """
    return {"account": account, "escaped": escape_of((account,)), "hashed": hash_of((account,))}


def needles(account: str) -> list[str]:
    """What a record that names the account has in it: one of its forms, or an escape that may hide one."""
    hides = any(character in '/"\\' or character < " " for character in account)
    return [*forms_of(account), "\\" if hides else "\\u"]


def names_account(data: bytes | None, account: str) -> bool:
    """Whether bytes name an account: as a whole word of a text in the JSON that they are, or of bytes that are none.

    A number is a word with all its digits: 12 is not in 12.50, nor in 10:12. An address is one with all its parts:
    a@b.org is not in x.a@b.org. What a field of the contract rightly says names nobody, unless it is an account or a
    device: an amount of 12345 is not account 12345.
    """
    if data is None:
        return False
    word = _word(account)
    try:
        loaded = json.loads(data, object_pairs_hook=_Pairs, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return any(word.search(text) for text in _unescaped(data.decode("utf-8", "replace")))
    if isinstance(loaded, _Pairs):
        loaded = [pair for pair in loaded if not _is_rightly(*pair)]
    return any(word.search(text) for text in _texts(loaded, MAX_TEXTS_IN_TEXTS))


@lru_cache(maxsize=16)
def _word(account: str) -> re.Pattern[str]:
    before, after = r"(?<![\w-])", r"(?![\w-])"
    if re.fullmatch("[0-9.,:]+", account):
        before, after = before + "(?<![0-9][.,:])", after + "(?![.,:][0-9])"
    if "@" in account:
        before, after = before + r"(?<!\w[.+])", after + r"(?!\.\w)"
    return re.compile(f"{before}(?:{'|'.join(map(re.escape, forms_of(account)))}){after}")


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with all its fields, also those of one name."""


_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|([/\"\\]))")
_SPEAKING = ("sender_account_id", "receiver_account_id", "device_id")
_SILENT = {field.name: field for field in FIELDS if field.name not in _SPEAKING}


def _unescaped(text: str) -> Iterator[str]:
    """What is no whole JSON, with no, one and more layers of JSON's escapes replaced."""
    yield text
    for _ in range(MAX_TEXTS_IN_TEXTS):
        plain = _ESCAPE.sub(lambda hit: hit[2] or chr(int(hit[1], 16)), text)
        # Two escapes may stand for one character.
        plain = plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if plain == text:
            return
        yield plain
        text = plain


def _is_rightly(name: str, value: Any) -> bool:
    """Whether this is a field of the contract, with a value of its own kind, that can name no account."""
    field = _SILENT.get(name)
    if field is None or not isinstance(value, str):
        return False
    return value in (field.values or ()) or bool(field.pattern and re.fullmatch(field.pattern, value))


def _texts(value: Any, deeper: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        if deeper and value.lstrip()[:1] in ("{", "[", '"'):
            try:
                loaded = json.loads(value, object_pairs_hook=_Pairs, parse_int=str, parse_float=str)
            except (ValueError, RecursionError):
                return
            yield from _texts(loaded, deeper - 1)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item, deeper)
