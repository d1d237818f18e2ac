"""The client of the warehouse: whose credentials it has."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from spark_jobs.warehouse.client import connect
from tests.unit.spark_jobs.batches import SETTINGS

BIGQUERY = replace(SETTINGS, project="acme-payments", emulator_host=None)


def write_key(path: Path, key_id: str) -> None:
    """A service account's file, as Google gives it out."""
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {
        "type": "service_account",
        "project_id": "acme-payments",
        "private_key_id": key_id,
        "private_key": pem,
        "client_email": "stream@acme-payments.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    path.write_text(json.dumps(account))


def test_a_client_has_the_key_that_the_file_holds_when_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a key that is rotated in the file counts from the next run on."""
    path = tmp_path / "key.json"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    found = []
    for key_id in ("first", "second"):
        write_key(path, key_id)
        with connect(BIGQUERY) as client:
            found.append(client._credentials.signer.key_id)
    assert found == ["first", "second"]
