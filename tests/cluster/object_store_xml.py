"""What fake-gcs-server lacks of Cloud Storage's XML API, which Delta's library speaks: said by its JSON API instead.

Belongs here: from a request of the one API to one of the other, and back from the answer. Does not belong here: sending
them, permissions. Objects in several parts, of more than 10 MB, are not known.
"""

import json
import re
from html import unescape
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.cloud_permissions import XML_BUCKET

ONLY_IF = "x-goog-if-generation-match"

_OBJECT = re.compile(rf"{XML_BUCKET}/(?P<name>[^?]+)")
_BUCKET = re.compile(rf"{XML_BUCKET}/?")
_LISTED = re.compile(rb"<Contents>.*?<Key>(.*?)</Key>.*?</Contents>", re.DOTALL)


def upload_of(method: str, path: str, only_if: str | None) -> str | None:
    """The path of the upload that writes the object, by POST; None where the request writes none by the XML API.

    `only_if` is what the request's header ONLY_IF says.
    """
    found = _OBJECT.fullmatch(path)
    if method != "PUT" or not found:
        return None
    condition = f"&ifGenerationMatch={only_if}" if only_if else ""
    name = quote(unquote(found["name"]), safe="")
    return f"/upload/storage/v1/b/{found['bucket']}/o?uploadType=media&name={name}{condition}"


def written(answer: bytes) -> dict[str, str]:
    """What the XML API's headers say of an object that was written."""
    about = json.loads(answer)
    return {"ETag": f'"{about["etag"]}"', "x-goog-generation": str(about["generation"])}


def listed(path: str, answer: bytes) -> bytes:
    """A listing by the XML API, from the place on that the request names; other answers as they are."""
    parts = urlsplit(path)
    after = parse_qs(parts.query).get("start-after")
    if not after or not _BUCKET.fullmatch(parts.path):
        return answer
    return _LISTED.sub(lambda each: each[0] if unescape(each[1].decode()) > after[0] else b"", answer)
