"""Read Socket.IO packets from outside. Pure; the shell in ``server`` only ever sees what passed here.

Narrower than the protocol on purpose: one namespace, no binary, no attachments, no acknowledgements (the
server never asks for one), JSON of bounded depth. Source: socket.io-protocol revision 5.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from remote_assist.errors import ProtocolViolation

CONNECT: Final = 0
DISCONNECT: Final = 1
EVENT: Final = 2
PACKET_MAX: Final = 96 * 1024
"""Characters: a description of SDP_MAX with its line ends escaped, and room to spare."""
JSON_DEPTH_MAX: Final = 16
ID_DIGITS_MAX: Final = 16

_PACKET: Final = re.compile(r"([0-6])(\d+-)?(?:(/[^,]*),?)?(\d*)(.*)", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Frame:
    """A packet. ``data`` is a dict or None (connect), or the event's name and its one argument."""

    type: int
    ack_id: int | None = None
    data: Any = None


class MalformedFrame(ProtocolViolation):
    """A packet that is refused; ``ack_id`` tells where to send the answer, if it asked for one."""

    def __init__(self, code: str, detail: str, ack_id: int | None = None) -> None:
        super().__init__(code, detail)
        self.ack_id = ack_id


def frame_untrusted(packet: object) -> Frame:
    """Return what a packet holds. An event without an argument has the argument None.

    Raises:
        MalformedFrame: ``binary_refused``, ``too_large``, or ``malformed`` for everything else.
    """
    if isinstance(packet, bytes | bytearray | memoryview):
        raise MalformedFrame("binary_refused", "Binary data is not part of this protocol.")
    if not isinstance(packet, str):
        raise MalformedFrame("malformed", "This is no Socket.IO packet.")
    if len(packet) > PACKET_MAX:
        raise MalformedFrame("too_large", "The packet is too large.")
    found = _PACKET.fullmatch(packet)
    if found is None:
        raise MalformedFrame("malformed", "This is no Socket.IO packet.")
    digit, attachments, namespace, digits, body = found.groups()
    ack_id = int(digits) if 0 < len(digits) <= ID_DIGITS_MAX else None
    if attachments is not None or digit in "56":
        raise MalformedFrame("binary_refused", "Binary data is not part of this protocol.", ack_id)
    if len(digits) > ID_DIGITS_MAX or namespace not in {None, "/"}:
        raise MalformedFrame("malformed", "There is only the namespace /, and ids are short.", ack_id)
    return _frame(int(digit), ack_id, body)


def _frame(kind: int, ack_id: int | None, body: str) -> Frame:
    if kind == DISCONNECT:
        return Frame(DISCONNECT)
    data = _json(body, ack_id) if body else None
    if kind == CONNECT and (data is None or isinstance(data, dict)):
        return Frame(CONNECT, None, data)
    if kind != EVENT:
        raise MalformedFrame("malformed", "A page sends connects, disconnects and events only.", ack_id)
    match data:
        case [str() as name]:
            return Frame(EVENT, ack_id, (name, None))
        case [str() as name, payload]:
            return Frame(EVENT, ack_id, (name, payload))
    raise MalformedFrame("malformed", "An event is a name and at most one object.", ack_id)


def _json(text: str, ack_id: int | None) -> Any:
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise MalformedFrame("malformed", "This is no JSON.", ack_id) from None
    if _depth(value) > JSON_DEPTH_MAX:
        raise MalformedFrame("too_deep", "The payload is nested too deeply.", ack_id)
    return value


def _depth(value: Any) -> int:
    """Return how deep lists and objects nest, without recursion, stopping beyond the limit."""
    depth, layer = 0, [value]
    while layer and depth <= JSON_DEPTH_MAX:
        containers = [one for one in layer if isinstance(one, dict | list)]
        layer = [
            child
            for one in containers
            for child in (one.values() if isinstance(one, dict) else one)
            if isinstance(child, dict | list)
        ]
        depth += bool(containers)
    return depth


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
