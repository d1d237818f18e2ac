"""TLS material of a Kafka client: from Java's properties to PEM, and to an SSL context.

Belongs here: trust stores, key stores, PEM. Does not belong here: logins (connection), tokens (oauth).
"""

import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spark_jobs.settings import SettingError


@dataclass(frozen=True, slots=True)
class Pem:
    """PEM texts; None where the system's own authorities, or no client certificate, are meant."""

    authorities: str | None = None
    certificate: str | None = None
    key: str | None = field(default=None, repr=False)
    key_password: str | None = field(default=None, repr=False)

    def librdkafka(self) -> dict[str, Any]:
        """As librdkafka takes them."""
        options = {
            "ssl.ca.pem": self.authorities,
            "ssl.certificate.pem": self.certificate,
            "ssl.key.pem": self.key,
            "ssl.key.password": self.key_password,
        }
        return {name: value for name, value in options.items() if value}


def pem_of(properties: Mapping[str, str]) -> Pem:
    """The material that the properties name.

    Raises:
        SettingError: a store cannot be read, or is of a type that only Java reads.
    """
    authorities = properties.get("ssl.truststore.certificates")
    trust = properties.get("ssl.truststore.location")
    if trust:
        authorities = _store(properties, "ssl.truststore", Path(trust)).authorities
    certificate, key = properties.get("ssl.keystore.certificate.chain"), properties.get("ssl.keystore.key")
    password = properties.get("ssl.key.password")
    location = properties.get("ssl.keystore.location")
    if location:
        store = _store(properties, "ssl.keystore", Path(location))
        certificate, key = store.certificate, store.key
        # What comes out of a PKCS12 store is in clear.
        password = password if _type(properties, "ssl.keystore") == "PEM" else None
    return Pem(authorities, certificate, key, password)


def ssl_context(properties: Mapping[str, str]) -> ssl.SSLContext:
    """A client's context.

    Raises:
        SettingError: the material cannot be used.
    """
    pem = pem_of(properties)
    try:
        context = ssl.create_default_context(cadata=pem.authorities)
        # Companies' own authorities often lack what RFC 5280 asks of them; Java's client takes them, and so must ours.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if not properties.get("ssl.endpoint.identification.algorithm", "https"):
            context.check_hostname = False
        if pem.certificate and pem.key:
            _load_key(context, pem)
    except (ssl.SSLError, ValueError) as error:
        raise SettingError(f"the TLS certificates for Kafka cannot be used: {_reason(error)}.") from None
    return context


def _load_key(context: ssl.SSLContext, pem: Pem) -> None:
    # The ssl module reads keys from files only: this one is private, and gone at once.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "client.pem"
        path.touch(mode=0o600)
        path.write_text(f"{pem.certificate}\n{pem.key}\n")
        # Never ask at a terminal for a password.
        context.load_cert_chain(path, password=pem.key_password or "")


def _type(properties: Mapping[str, str], store: str) -> str:
    return properties.get(f"{store}.type", "JKS").upper()


def _store(properties: Mapping[str, str], store: str, path: Path) -> Pem:
    kind = _type(properties, store)
    try:
        content = path.expanduser().read_bytes()
    except OSError as error:
        raise SettingError(f"{store}.location: {path} cannot be read: {error.strerror}.") from None
    if kind == "PEM":
        text = content.decode(errors="replace")
        return Pem(authorities=text, certificate=text, key=text)
    if kind != "PKCS12":
        raise SettingError(
            f"{store}.type is {kind}, which only Java reads: convert {path} with `keytool -importkeystore "
            f"-deststoretype PKCS12`, or give PEM."
        )
    return _opened(store, path, content, properties.get(f"{store}.password"))


def _opened(store: str, path: Path, content: bytes, password: str | None) -> Pem:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

    try:
        found = pkcs12.load_pkcs12(content, password.encode() if password else None)
    except ValueError:
        raise SettingError(f"{store}.password does not open {path}, or {path} is no PKCS12 store.") from None
    others = [entry.certificate.public_bytes(Encoding.PEM).decode() for entry in found.additional_certs]
    own = [found.cert.certificate.public_bytes(Encoding.PEM).decode()] if found.cert else []
    key = found.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode() if found.key else None
    return Pem("".join(others + own), "".join(own + others), key)


def _reason(error: Exception) -> str:
    return getattr(error, "reason", None) or str(error).partition("\n")[0]
