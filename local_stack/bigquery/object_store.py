"""Load jobs of gs:// files from a stand-in for Cloud Storage. Runs in the warehouse's environment, as the server does.

Belongs here: fetching a load's files before it begins. Does not belong here: what a load does with them. DuckDB would
read them by an extension that is not among ours.
"""

import shutil
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

_ANSWER_SECONDS = 30


def install(endpoint: str) -> None:
    """Let loads of gs:// files read from the store at `endpoint`; after whatever else changes loads."""
    from local_bigquery.jobs import runner

    run = runner.HANDLERS["load"]

    def run_on_copies(cur: Any, config: Any, upload: str | None) -> Any:
        uris: list[str] = config.sourceUris or []
        if upload or not any(uri.startswith("gs://") for uri in uris):
            return run(cur, config, upload)
        with tempfile.TemporaryDirectory(prefix="load-") as folder:
            copies = [_fetched(uri, endpoint, Path(folder, str(number))) for number, uri in enumerate(uris)]
            return run(cur, config.replace(sourceUris=copies), upload)

    runner.HANDLERS["load"] = run_on_copies


def _fetched(uri: str, endpoint: str, folder: Path) -> str:
    """The URI of a copy of the file. Raises BigQueryError where the store has none, and OSError where it is away."""
    from local_bigquery.errors import BigQueryError

    if not uri.startswith("gs://"):
        return uri
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    address = f"{endpoint.rstrip('/')}/storage/v1/b/{quote(bucket)}/o/{quote(name, safe='')}?alt=media"
    folder.mkdir()
    copy = folder / Path(name).name
    try:
        # Of the stand-in that whoever started this server has named.
        with urllib.request.urlopen(address, timeout=_ANSWER_SECONDS) as answer, copy.open("wb") as file:  # noqa: S310
            shutil.copyfileobj(answer, file)
    except urllib.error.HTTPError as error:
        with error:
            raise BigQueryError("notFound", f"Not found: URI {uri}: HTTP {error.code}") from None
    return copy.as_uri()
