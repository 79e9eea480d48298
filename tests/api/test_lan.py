"""api/lan.py: a certificate that a phone can be asked to accept, kept while it fits."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from remote_assist.api import lan

NOW_MS = 1_795_000_000_000
DAY_MS = 86_400_000


def certificate_of(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "lan-cert.pem").read_bytes())


def test_certificate_names_every_address(tmp_path: Path) -> None:
    """The addresses stand in it as addresses, for at most as long as browsers accept."""
    lan.server_context(tmp_path, ["192.0.2.7", "198.51.100.4"], NOW_MS)
    certificate = certificate_of(tmp_path)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.IPAddress)) == {
        ipaddress.ip_address(one) for one in ("127.0.0.1", "192.0.2.7", "198.51.100.4")
    }
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc <= timedelta(days=397)
    assert certificate.not_valid_before_utc < datetime.fromtimestamp(NOW_MS / 1000, UTC)


def test_key_is_the_owners_only(tmp_path: Path) -> None:
    """Nobody else on the machine may read the private key."""
    context = lan.server_context(tmp_path, ["192.0.2.7"], NOW_MS)
    assert (tmp_path / "lan-key.pem").stat().st_mode & 0o777 == 0o600
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_certificate_is_kept_while_it_fits(tmp_path: Path) -> None:
    """A phone that accepted it once is not asked again, until it expires or the network changes."""
    lan.server_context(tmp_path, ["192.0.2.7"], NOW_MS)
    first = certificate_of(tmp_path).serial_number
    lan.server_context(tmp_path, ["192.0.2.7"], NOW_MS + 300 * DAY_MS)
    assert certificate_of(tmp_path).serial_number == first
    lan.server_context(tmp_path, ["192.0.2.8"], NOW_MS)
    moved = certificate_of(tmp_path).serial_number
    assert moved != first
    lan.server_context(tmp_path, ["192.0.2.8"], NOW_MS + 395 * DAY_MS)
    assert certificate_of(tmp_path).serial_number != moved


def test_broken_certificate_is_replaced(tmp_path: Path) -> None:
    """Half a file is no reason not to start."""
    (tmp_path / "lan-cert.pem").write_text("half")
    (tmp_path / "lan-key.pem").write_text("half")
    lan.server_context(tmp_path, ["192.0.2.7"], NOW_MS)
    assert certificate_of(tmp_path)


def test_local_addresses_are_not_this_machine_alone() -> None:
    """Loopback helps no phone."""
    assert not [one for one in lan.local_addresses() if ipaddress.ip_address(one).is_loopback]


def test_qr_code_is_a_block_of_text() -> None:
    """All rows are equally wide, with a light border around."""
    rows = lan.qr_for_terminal("https://192.0.2.7:8443/j#AAAAAAAAAAAAAAAAAAAAAA").splitlines()
    assert len({len(row) for row in rows}) == 1
    assert set(rows[0]) == {"█"}
    assert all(row.startswith("██") and row.endswith("██") for row in rows)
