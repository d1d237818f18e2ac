"""Requests held against the description of an API that comes with Google's client library.

Belongs here: which method a request is, and what of it the description does not know. Does not belong here: what an API
answers (the stand-ins).
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, urlsplit

_ANYWHERE = {"$alt", "alt"}


@cache
def description(name: str) -> Mapping[str, Any]:
    """Such as `dataproc.v1`."""
    place = files("googleapiclient") / "discovery_cache" / "documents" / f"{name}.json"
    found: Mapping[str, Any] = json.loads(place.read_text())
    return found


def method_of(api: str, verb: str, path: str) -> Mapping[str, Any]:
    """The method that a request calls. Raises KeyError where there is none."""
    plain = urlsplit(path).path.lstrip("/")
    for method in _methods(description(api)):
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(method["flatPath"]))
        if method["httpMethod"] == verb and re.fullmatch(pattern, plain):
            return method
    raise KeyError(f"{verb} {path} is no method of {api}")


def unknown_in(api: str, verb: str, path: str, body: Any) -> list[str]:
    """What of a request the API does not know: parameters, fields, values of another type."""
    method = method_of(api, verb, path)
    given = parse_qs(urlsplit(path).query, keep_blank_values=True).keys()
    wrong = [f"?{name}" for name in given - _ANYWHERE - method.get("parameters", {}).keys()]
    if "request" in method:
        wrong += _unknown(api, method["request"], body, "")
    elif body:
        wrong.append("a body")
    return wrong


def _methods(resource: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from resource.get("methods", {}).values()
    for inner in resource.get("resources", {}).values():
        yield from _methods(inner)


def _unknown(api: str, schema: Mapping[str, Any], value: Any, at: str) -> list[str]:
    if "$ref" in schema:
        schema = description(api)["schemas"][schema["$ref"]]
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}
    is_one = isinstance(value, kinds[schema["type"]])
    if not is_one:
        return [f"{at} is no {schema['type']}"]
    if schema["type"] == "array":
        return [each for n, item in enumerate(value) for each in _unknown(api, schema["items"], item, f"{at}[{n}]")]
    if schema["type"] != "object":
        return []
    if "additionalProperties" in schema:
        known = dict.fromkeys(value, schema["additionalProperties"])
    else:
        known = schema.get("properties", {})
    return [
        each
        for name, item in value.items()
        for each in (_unknown(api, known[name], item, f"{at}.{name}") if name in known else [f"{at}.{name}"])
    ]
