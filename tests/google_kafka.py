"""Google's part of Managed Kafka on loopback: a service account, who gives it access tokens, and who knows them.

Belongs here: what stands for Google, and the compiled class by which a broker asks it. Does not belong here: the broker
(secured_broker).
"""

import base64
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

ACCOUNT = "payments@acme-prod.iam.gserviceaccount.com"
ACCESS_TOKEN = "ya29.canary-Zq7-access-token"  # noqa: S105 - of nobody
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_VALIDATOR = Path(__file__).with_name("fixtures") / "GoogleTokenValidator.java"


def decoded(part: str) -> bytes:
    """What a part of a token says."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@dataclass(frozen=True)
class Google:
    """Where Google is, the account's key as a file, and what brokers were shown: each token, in order."""

    address: str
    key_file: Path
    presented: list[str] = field(default_factory=list)


@contextmanager
def google(folder: Path) -> Iterator[Google]:
    """Google on loopback, until the block ends."""
    key = rsa.generate_private_key(65537, 2048)
    presented: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if self.path == "/token":
                is_let_in = _is_signed(parse_qs(body), key.public_key())
                given = {"access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 3600}
            else:
                presented.append(body)
                is_let_in = decoded(body.split(".")[-1]) == ACCESS_TOKEN.encode()
                given = {"email": ACCOUNT}
            text = json.dumps(given if is_let_in else {"error": "invalid_grant"}).encode()
            self.send_response(200 if is_let_in else 400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield Google(address, key_file(folder, key, address), presented)
    finally:
        server.shutdown()
        server.server_close()


def key_file(folder: Path, key: rsa.RSAPrivateKey, address: str) -> Path:
    """The service account's key, in the form that Google hands out."""
    path = folder / "account.json"
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {
        "type": "service_account",
        "project_id": "acme-prod",
        "private_key_id": "tests",
        "private_key": pem,
        "client_email": ACCOUNT,
        "client_id": "1",
        "token_uri": f"{address}/token",
    }
    path.write_text(json.dumps(account))
    return path


def _is_signed(fields: dict[str, list[str]], key: rsa.RSAPublicKey) -> bool:
    """Whether the account asks by its key, for itself, in time (RFC 7523)."""
    signed, _, signature = fields["assertion"][0].rpartition(".")
    claims = json.loads(decoded(signed.split(".")[1]))
    try:
        key.verify(decoded(signature), signed.encode(), PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return fields["grant_type"] == [GRANT] and claims["iss"] == ACCOUNT and claims["exp"] > time.time()


def compiled_validator(home: Path, folder: Path) -> Path:
    """The folder of the class by which a broker judges Google's tokens."""
    javac = shutil.which("javac")
    if javac is None:
        pytest.skip("javac is not found: install a JDK, such as openjdk-17-jdk-headless")
    classes = folder / "classes"
    subprocess.run(
        [javac, "-cp", f"{home / 'jars' / 'broker'}/*", "-d", str(classes), str(_VALIDATOR)],
        check=True,
        capture_output=True,
    )
    return classes
