"""ICE-lite for one leg (RFC 8445 section 2.5, RFC 8839): answer binding requests, choose an address.

Pure: requests come in, responses go out as bytes. The relay sends no checks of its own and never to
an address somebody named, only to one from which a check with the leg's password came.
"""

import secrets
import string
import struct
from dataclasses import dataclass
from typing import Any, Final

from aioice import stun

from remote_assist.errors import ProtocolViolation

MAX_ADDRESSES: Final = 16
"""Verified addresses per leg. A phone has two interfaces and a NAT or two; a laptop on a dock has more."""
MAX_USERNAME_CHARS: Final = 513
"""Two fragments of at most 256 characters and a colon (RFC 8839 section 5.4)."""

Address = tuple[str, int]

_ICE_CHARS: Final = string.ascii_letters + string.digits
_HEADER_BYTES: Final = 20
_COOKIE: Final = (0x2112A442).to_bytes(4, "big")
_COMPREHENSION_OPTIONAL: Final = 0x8000
_MESSAGE_INTEGRITY_BYTES: Final = 20
_MESSAGE_INTEGRITY: Final = 0x0008
_ERROR_CODE: Final = 0x0009
_UNKNOWN_ATTRIBUTES: Final = 0x000A
_FINGERPRINT: Final = 0x8028


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name fragment and its password."""

    ufrag: str
    pwd: str


def fresh_credentials() -> Credentials:
    """Return credentials nobody else has: 71 and 190 bits (RFC 8445 section 5.3 asks for 24 and 128)."""
    return Credentials(_random(12), _random(32))


def _random(length: int) -> str:
    return "".join(secrets.choice(_ICE_CHARS) for _ in range(length))


@dataclass(frozen=True, slots=True)
class BindingRequest:
    """A well-formed connectivity check. Nothing in it is trusted before the leg verified it."""

    local_ufrag: str
    is_nominating: bool
    says_controlled: bool
    unknown: tuple[int, ...]
    message: Any
    """The parsed ``aioice.stun.Message``."""


def parse_untrusted(datagram: bytes) -> BindingRequest:
    """Return the binding request in ``datagram``.

    Raises:
        ProtocolViolation: it is no STUN, not a binding request, or not for ICE.
    """
    if len(datagram) < _HEADER_BYTES or datagram[:2] != b"\x00\x01" or datagram[4:8] != _COOKIE:
        raise ProtocolViolation("stun_not_a_check", "Only binding requests are answered.")
    try:
        message = stun.parse_message(datagram)
    except Exception:  # noqa: BLE001 - whatever the codec raises, the datagram is at fault
        raise ProtocolViolation("stun_invalid", "The STUN message makes no sense.") from None
    attributes = message.attributes
    name = attributes.get("USERNAME", "")
    local, colon, _ = name.partition(":")
    is_signed = len(attributes.get("MESSAGE-INTEGRITY", b"")) == _MESSAGE_INTEGRITY_BYTES
    if not (colon and len(name) <= MAX_USERNAME_CHARS and is_signed and "FINGERPRINT" in attributes):
        raise ProtocolViolation("stun_not_ice", "A check has a user name, an integrity and a fingerprint.")
    return BindingRequest(
        local_ufrag=local,
        is_nominating="USE-CANDIDATE" in attributes,
        says_controlled="ICE-CONTROLLED" in attributes,
        unknown=_unknown_attributes(datagram),
        message=message,
    )


def _unknown_attributes(datagram: bytes) -> tuple[int, ...]:
    """Return the types that must be understood and are not, each once (RFC 8489 section 14).

    What stands after MESSAGE-INTEGRITY is not authenticated and thus ignored, but must fit.
    """
    found: dict[int, None] = {}
    is_signed = True
    position = _HEADER_BYTES
    while position <= len(datagram) - 4:
        kind, length = struct.unpack_from("!HH", datagram, position)
        is_signed = is_signed and kind != _MESSAGE_INTEGRITY
        if is_signed and kind < _COMPREHENSION_OPTIONAL and kind not in stun.ATTRIBUTES_BY_TYPE:
            found[kind] = None
        position += 4 + length + (-length % 4)
    if position != len(datagram):
        raise ProtocolViolation("stun_invalid", "The last STUN attribute is cut.")
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send back, and what the check changed."""

    response: bytes
    verified: bool
    evicted: Address | None = None
    """An address that gave way because the leg had too many."""


class IceAgent:
    """The ICE state of one leg.

    Credentials: ``current`` stands in offers to the participant. When the participant's own offer
    restarts ICE, ``offered`` is prepared for the answer, and replaces ``current`` only when that answer
    is carried; so an offer that its sender rolls back (glare) changes nothing. The ones before stay
    valid until the next restart, because checks with them may still be on their way.
    """

    def __init__(self) -> None:
        self.current = fresh_credentials()
        self.selected: Address | None = None
        self.verified: dict[Address, None] = {}
        self._offered: Credentials | None = None
        self._previous: Credentials | None = None
        self._remote: tuple[str, str] | None = None
        self._remote_offered: tuple[str, str] | None = None
        self._nominates_always = True

    @property
    def credentials(self) -> tuple[Credentials, ...]:
        """All credentials that are answered now."""
        return tuple(c for c in (self.current, self._offered, self._previous) if c is not None)

    def hear_offer(self, ufrag: str, pwd: str) -> None:
        """Take the participant's credentials from its offer; changed ones are an ICE restart."""
        remote = (ufrag, pwd)
        if self._remote is None or remote == self._remote:
            self._remote, self._offered, self._remote_offered = remote, None, None
        elif remote != self._remote_offered:
            self._offered, self._remote_offered = fresh_credentials(), remote

    def hear_answer(self, ufrag: str, pwd: str) -> None:
        """Take the participant's credentials from its answer. An answer never restarts ICE."""
        self._remote, self._offered, self._remote_offered = (ufrag, pwd), None, None

    def speak_offer(self) -> Credentials:
        """Return the credentials for an offer to the participant."""
        return self.current

    def speak_answer(self) -> Credentials:
        """Return the credentials for an answer to the participant, which settles its restart."""
        if self._offered is not None:
            self._previous, self.current, self._offered = self.current, self._offered, None
            self._remote, self._remote_offered = self._remote_offered, None
            self._nominates_always = True
        return self.current

    def answer(self, request: BindingRequest, source: Address) -> Answer | None:
        """Return the response to a check and note its address, or None when it is not authentic."""
        key = next((c.pwd.encode() for c in self.credentials if c.ufrag == request.local_ufrag), None)
        if key is None or not request.message.check_message_integrity(key):
            return None
        if request.unknown:
            return Answer(_unknown_attribute_error(request, key), verified=False)
        if request.says_controlled:
            # A lite agent is always controlled (RFC 8445 section 6.1.1), so the other one has to switch.
            return Answer(_role_conflict_error(request, key), verified=False)
        evicted = self._verify(source)
        if not request.is_nominating:
            self._nominates_always = False
        if self.selected is None or (request.is_nominating and not self._nominates_always):
            self.selected = source
        return Answer(_success(request, source, key), verified=True, evicted=evicted)

    def follow(self, source: Address) -> None:
        """Note an authenticated packet from a verified address that is not the selected one.

        Where some checks nominate and some do not, nomination decides. Where every check nominates
        (Firefox), it says nothing, and the participant's own packets show which path it uses.
        """
        if self._nominates_always and source in self.verified:
            self.selected = source

    def _verify(self, source: Address) -> Address | None:
        self.verified.pop(source, None)
        self.verified[source] = None
        if len(self.verified) <= MAX_ADDRESSES:
            return None
        oldest = next(address for address in self.verified if address != self.selected)
        del self.verified[oldest]
        return oldest


def _success(request: BindingRequest, source: Address, key: bytes) -> bytes:
    response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, request.message.transaction_id)
    response.attributes["XOR-MAPPED-ADDRESS"] = source
    response.add_message_integrity(key)
    return bytes(response)


def _role_conflict_error(request: BindingRequest, key: bytes) -> bytes:
    response = stun.Message(stun.Method.BINDING, stun.Class.ERROR, request.message.transaction_id)
    response.attributes["ERROR-CODE"] = (487, "Role Conflict")
    response.add_message_integrity(key)
    return bytes(response)


def _unknown_attribute_error(request: BindingRequest, key: bytes) -> bytes:
    """Build the 420 by hand, because the codec does not know UNKNOWN-ATTRIBUTES."""
    reason = b"Unknown Attribute"
    error = struct.pack("!HBB", 0, 4, 20) + reason
    unknown = struct.pack(f"!{len(request.unknown)}H", *request.unknown)
    body = _attribute(_ERROR_CODE, error) + _attribute(_UNKNOWN_ATTRIBUTES, unknown)
    header = struct.pack("!HH", stun.Method.BINDING | stun.Class.ERROR, len(body))
    data = header + _COOKIE + request.message.transaction_id + body
    data += _attribute(_MESSAGE_INTEGRITY, stun.message_integrity(data, key))
    data = stun.set_body_length(data, len(data) - _HEADER_BYTES + stun.FINGERPRINT_LENGTH)
    return data + _attribute(_FINGERPRINT, struct.pack("!I", stun.message_fingerprint(data)))


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)
