"""HTTPS on the local network, because a phone's camera needs it: addresses, certificate, QR code."""

import ipaddress
import os
import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import segno
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_DAYS: Final = 397
"""The longest that browsers accept for a server certificate."""
RENEW_DAYS: Final = 7
_NOWHERE: Final = ("192.0.2.1", 9)
"""An address of documentation (RFC 5737): connecting a UDP socket to it sends nothing."""


def local_addresses() -> list[str]:
    """Return this machine's IPv4 addresses on its networks, the one with the default route first."""
    found: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_NOWHERE)
            found.append(probe.getsockname()[0])
        except OSError:
            found.clear()
    try:
        entries = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    except OSError:
        entries = []
    found += [str(entry[4][0]) for entry in entries]
    return [one for one in dict.fromkeys(found) if not ipaddress.ip_address(one).is_loopback]


def server_context(folder: Path, addresses: Sequence[str], now_ms: int) -> ssl.SSLContext:
    """Return a TLS context with the certificate kept in ``folder``, made anew when it no longer fits."""
    certificate_path, key_path = folder / "lan-cert.pem", folder / "lan-key.pem"
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    if not _is_usable(certificate_path, key_path, addresses, now):
        certificate, key = make_certificate(addresses, now)
        _write_private(key_path, key)
        certificate_path.write_bytes(certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate_path, key_path)
    return context


def make_certificate(addresses: Sequence[str], now: datetime) -> tuple[bytes, bytes]:
    """Return a self-signed certificate for ``addresses`` and its private key, both as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Remote Assist on this network")])
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    names += [x509.IPAddress(ipaddress.ip_address(one)) for one in ("127.0.0.1", *addresses)]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=VALID_DAYS - 1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM), key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def qr_for_terminal(url: str) -> str:
    """Return the QR code of ``url`` as text of half blocks."""
    rows = [[bool(one) for one in row] for row in segno.make(url, error="m").matrix_iter(border=2)]
    rows += [[False] * len(rows[0])] * (len(rows) % 2)
    # Light modules are drawn, so that the code stands dark on light on a dark terminal.
    blocks = {(False, False): "█", (False, True): "▀", (True, False): "▄", (True, True): " "}
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return "\n".join("".join(blocks[pair] for pair in zip(*two, strict=True)) for two in pairs)


def _is_usable(certificate_path: Path, key_path: Path, addresses: Sequence[str], now: datetime) -> bool:
    if not (certificate_path.exists() and key_path.exists()):
        return False
    try:
        certificate = x509.load_pem_x509_certificate(certificate_path.read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return False
    known = {str(one) for one in names.get_values_for_type(x509.IPAddress)}
    return certificate.not_valid_after_utc - now > timedelta(days=RENEW_DAYS) and known >= set(addresses)


def _write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, from its first moment on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
