"""The Socket.IO endpoint, through real sockets."""

import asyncio
import base64
import json
from typing import Any

import aiohttp
import pytest
import socketio

from remote_assist.signaling.messages import FROM_PAGE, SDP_MAX, Description
from remote_assist.signaling.rate import BURST
from remote_assist.signaling.server import QUEUE_MAX
from tests.kit.waiting import eventually
from tests.signaling.sockets import ORIGIN, Hall, Line
from tests.signaling.stage import ANSWER, OFFER, C, T

PAYLOADS: dict[str, object] = {
    "session.sync": {},
    "session.join": {"tab_id": "tab-x", "generation": None},
    "session.admit": {},
    "session.leave": {},
    "session.close": {},
    "session.rate": {"stars": 5, "solved": True, "comment": ""},
    "presence.report": {"visible": True},
    "media.report": {"microphone": True, "camera": True, "screen_stream_id": None},
    "device.report": {
        "kind": "phone",
        "system": "Android 15",
        "browser": "Firefox 153",
        "network": "wifi",
    },
    "description.send": {"generation": 1, "type": "offer", "sdp": OFFER},
    "splice.renew": {"generation": 1},
    "chat.post": {"client_id": "1", "text": "hello"},
    "billing.pause": {"pause_id": "p1"},
    "billing.resume": {"pause_id": "p1"},
    "clock.read": {},
    "token.renew": {},
}
# What each event is answered: to a customer and a technician in the lobby, to both when joined (the session
# not live yet), to a replaced connection, and to a technician who had joined before the session was closed.
WHO = ("lobby customer", "lobby technician", "customer", "technician", "replaced", "closed")
NJ, TO, SC, NL = "not_joined", "technician_only", "session_closed", "session_not_live"
NC = "session_not_closed"
AUTHORISATION: dict[str, tuple[str, str, str, str, str, str]] = {
    "session.sync": ("ok", "ok", "ok", "ok", "replaced", "ok"),
    "session.join": ("ok", "ok", "ok", "ok", "replaced", SC),
    "session.admit": (TO, NJ, TO, "ok", "replaced", SC),
    "session.leave": (NJ, NJ, "ok", "ok", "replaced", SC),
    "session.close": (TO, NJ, TO, "ok", "replaced", "ok"),
    "session.rate": (NC, NC, NC, NC, "replaced", "ok"),
    "presence.report": ("ok", "ok", "ok", "ok", "replaced", "ok"),
    "media.report": (NJ, NJ, "ok", "ok", "replaced", SC),
    "device.report": ("ok", "ok", "ok", "ok", "replaced", SC),
    "description.send": (NJ, NJ, "ok", "ok", "replaced", SC),
    "splice.renew": (NJ, NJ, "ok", "ok", "replaced", SC),
    "chat.post": (NJ, NJ, "ok", "ok", "replaced", SC),
    "billing.pause": (NJ, NJ, NL, NL, "replaced", SC),
    "billing.resume": (NJ, NJ, NL, NL, "replaced", SC),
    "clock.read": ("ok", "ok", "ok", "ok", "replaced", "ok"),
    "token.renew": ("ok", "ok", "ok", "ok", "replaced", "ok"),
}


async def actor(hall: Hall, who: str) -> Line:
    """Return a connection in the given standing."""
    opened = await hall.office.open()
    if who.startswith("lobby"):
        return await hall.connect(opened, C if who.endswith("customer") else T)
    customer, technician = await hall.both(opened)
    if who == "replaced":
        assert await (await hall.connect(opened, T)).code("session.join", {"tab_id": "new"}) == "ok"
    if who == "closed":
        await hall.office.sessions.close(opened.view.id, "api")
        await customer.hears("session.state", lambda state: state["state"] == "closed")
    return customer if who == "customer" else technician


def test_every_event_has_a_row() -> None:
    """An event that is added needs its answers here."""
    assert set(AUTHORISATION) == set(PAYLOADS) == set(FROM_PAGE)


@pytest.mark.parametrize("who", WHO)
async def test_every_event_is_authorised(opened_hall: Hall, who: str) -> None:
    """Each event to each kind of sender is answered as the table says."""
    answered = {}
    for event, payload in PAYLOADS.items():
        answered[event] = await (await actor(opened_hall, who)).code(event, payload)
    column = WHO.index(who)
    assert answered == {event: row[column] for event, row in AUTHORISATION.items()}


async def test_a_call_from_lobby_to_receipt(opened_hall: Hall) -> None:
    """Both join, describe, are admitted, talk, and read the end."""
    opened = await opened_hall.office.open()
    customer, technician = await opened_hall.both(opened)
    await technician.hears("session.state", lambda state: state["generation"] == 1)
    plan = await customer.hears("splice.start")
    assert (plan["polite"], plan["offerer"]) == (True, False)
    assert await technician.code("description.send", {"generation": 1, "type": "offer", "sdp": OFFER}) == "ok"
    assert "a=ice-lite" in (await customer.hears("description.deliver"))["sdp"]
    assert await customer.code("description.send", {"generation": 1, "type": "answer", "sdp": ANSWER}) == "ok"
    assert (await technician.hears("description.deliver"))["type"] == "answer"
    assert await technician.code("session.admit") == "ok"
    await customer.hears("session.state", lambda state: state["state"] == "live")
    await customer.hears("session.timer")
    await customer.ask("chat.post", {"client_id": "1", "text": "Grüezi"})
    assert (await technician.hears("chat.posted"))["text"] == "Grüezi"
    assert await technician.code("session.close") == "ok"
    state = await customer.hears("session.state", lambda state: state["result"] is not None)
    assert state["close_reason"] == "technician_ended"
    await eventually(lambda: opened_hall.office.sessions.settle(opened.view.id), what="settlement")


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"tab_id": 1}, "invalid_payload"),
        ({"tab_id": "a", "admin": True}, "invalid_payload"),
        ({}, "invalid_payload"),
        ([], "invalid_payload"),
        ("x", "invalid_payload"),
        ({"tab_id": b"bytes"}, "binary_refused"),
    ],
)
async def test_malformed_payloads_are_answered(opened_hall: Hall, payload: object, code: str) -> None:
    """And the connection goes on."""
    line = await opened_hall.connect(await opened_hall.office.open(), C)
    assert await line.code("session.join", payload) == code
    assert await line.code("clock.read") == "ok"


@pytest.mark.parametrize(
    "event", ["session.destroy", "session.state", "connect", "disconnect", "*", "$refused"]
)
async def test_unknown_events_are_answered(opened_hall: Hall, event: str) -> None:
    """Also the names that the library would take for its own."""
    opened = await opened_hall.office.open()
    async with raw(opened_hall, opened) as socket:
        await socket.send_str(f'427["{event}",{{}}]')
        assert await acknowledgement(socket, 7) == "unknown_event"
        await socket.send_str('428["clock.read"]')
        assert await acknowledgement(socket, 8) == "ok"


async def test_deep_json_is_answered(opened_hall: Hall) -> None:
    """A payload nested beyond all need is refused before anything looks at it."""
    async with raw(opened_hall, await opened_hall.office.open()) as socket:
        await socket.send_str('421["chat.post",' + '{"a":' * 20 + "1" + "}" * 20 + "]")
        assert await acknowledgement(socket, 1) == "too_deep"


async def test_attachments_are_refused(opened_hall: Hall) -> None:
    """Neither the announcement nor the bytes are waited for."""
    async with raw(opened_hall, await opened_hall.office.open()) as socket:
        await socket.send_str('451000000-3["chat.post",{"_placeholder":true,"num":0}]')
        assert await acknowledgement(socket, 3) == "binary_refused"
        await socket.send_bytes(b"\x00" * 100)
        await socket.send_str('424["clock.read"]')
        assert await acknowledgement(socket, 4) == "ok"


@pytest.mark.parametrize("packet", ["", "x", "9", "4" + "[" * 90_000, "4" * 100_000, "6", "1"])
async def test_packets_that_are_none_end_only_their_socket(opened_hall: Hall, packet: str) -> None:
    """The socket is closed or goes on; nobody else notices."""
    opened = await opened_hall.office.open()
    honest = await opened_hall.connect(opened, T)
    async with raw(opened_hall, opened) as socket:
        await socket.send_str(packet)
        await socket.send_str('425["clock.read"]')
        await heard(socket)
    assert await honest.code("clock.read") == "ok"
    await eventually(lambda: opened_hall.signaling.counters["sockets"] == 1, what="the socket's end")


async def test_a_flood_is_answered_and_then_ended(opened_hall: Hall) -> None:
    """Beyond the burst events are refused with a code; a long flood costs the connection."""
    opened = await opened_hall.office.open()
    honest = await opened_hall.connect(opened, T)
    async with raw(opened_hall, opened) as socket:
        for n in range(int(BURST) + 5):
            await socket.send_str(f'42{n}["clock.read"]')
        assert await acknowledgement(socket, int(BURST) - 1) == "ok"
        assert await acknowledgement(socket, int(BURST)) == "rate_limited"
        for n in range(600):
            await socket.send_str(f'42{n + 100}["clock.read"]')
        packets = await heard(socket)
        assert any('"connection.closing",{"code":"rate_limited"' in packet for packet in packets)
    assert await honest.code("clock.read") == "ok"


async def test_a_second_connect_on_a_socket_is_refused(opened_hall: Hall) -> None:
    """One socket is one connection."""
    opened = await opened_hall.office.open()
    async with raw(opened_hall, opened) as socket:
        token = opened_hall.token(opened, T)
        for _ in range(3):
            await socket.send_str("40" + json.dumps({"token": token}))
        await socket.send_str('421["session.sync"]')
        assert await acknowledgement(socket, 1) == "ok"
    assert opened_hall.signaling.counters["rooms"] == 1


def forge(token: str, header: dict[str, Any] | None = None, claims: dict[str, Any] | None = None) -> str:
    """Return the token with members changed and its signature kept."""
    parts = token.split(".")
    for index, changes in enumerate((header, claims)):
        if changes:
            padded = parts[index] + "=" * (-len(parts[index]) % 4)
            content = json.loads(base64.urlsafe_b64decode(padded)) | changes
            parts[index] = base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()
    return ".".join(parts)


async def refused_with(hall: Hall, auth: object) -> str:
    line = hall.line()
    with pytest.raises(socketio.exceptions.ConnectionError):
        await line.open(auth)
    assert line.refused["message"] == line.refused["data"]["code"]
    code: str = line.refused["data"]["code"]
    return code


async def test_only_our_own_tokens_open_a_connection(opened_hall: Hall) -> None:
    """Forged, unsigned, foreign, expired and missing tokens are turned away with a code."""
    opened = await opened_hall.office.open()
    good = opened_hall.token(opened, C)
    receipt = opened_hall.office.signer.sign_receipt({"aud": "join", "sub": "x"})
    wrong: list[object] = [
        forge(good, claims={"role": "technician"}),
        forge(good, claims={"aud": "receipt"}),
        forge(good, claims={"exp": 10**10}),
        forge(good, {"alg": "none"}),
        forge(good, {"alg": "none"}).rsplit(".", 1)[0] + ".",
        forge(good, {"alg": "HS256"}),
        forge(good, {"typ": "receipt+jwt"}),
        forge(good, {"kid": "other"}),
        receipt,
        "",
        "a.b.c",
        "x" * 5_000,
    ]
    for token in wrong:
        assert await refused_with(opened_hall, {"token": token}) == "invalid_token"
    for auth in (None, {}, {"token": 5}, {"token": None}, {"secret": good}):
        assert await refused_with(opened_hall, auth) == "token_required"
    opened_hall.office.clock.advance(s=601)
    assert await refused_with(opened_hall, {"token": good}) == "token_expired"
    assert opened_hall.signaling.counters["rooms"] == 0


async def test_a_token_for_nobody_is_turned_away(opened_hall: Hall) -> None:
    """A well-signed token of a session that does not exist."""
    token, _ = opened_hall.office.signer.mint_join(
        "nobody", "customer", "p", opened_hall.office.clock.now_ms()
    )
    assert await refused_with(opened_hall, {"token": token}) == "session_not_found"


async def test_sessions_do_not_see_each_other(opened_hall: Hall) -> None:
    """Nothing that happens in one session reaches another."""
    first, second = await opened_hall.office.open(), await opened_hall.office.open()
    customer, technician = await opened_hall.both(first)
    other, _ = await opened_hall.both(second)
    before = len(other.heard)
    await technician.ask("chat.post", {"client_id": "1", "text": "secret"})
    await technician.ask("description.send", {"generation": 1, "type": "offer", "sdp": OFFER})
    await technician.ask("session.admit")
    await technician.ask("session.close")
    await customer.hears("session.state", lambda state: state["state"] == "closed")
    assert await other.code("clock.read") == "ok"
    assert [name for name, _ in other.heard[before:] if name != "session.timer"] == []
    assert (await other.ask("session.sync"))["data"]["state"]["state"] == "open"


async def test_a_page_that_comes_back_resyncs(opened_hall: Hall) -> None:
    """After any absence one sync shows everything."""
    opened = await opened_hall.office.open()
    customer, technician = await opened_hall.both(opened)
    await customer.close()
    await technician.hears("session.state", lambda state: not state["participants"][0]["joined"])
    await technician.ask("chat.post", {"client_id": "1", "text": "Are you there?"})
    again = await opened_hall.connect(opened, C)
    seen = (await again.ask("session.sync"))["data"]
    assert [line["text"] for line in seen["chat"]] == ["Are you there?"]
    joined = (await again.ask("session.join", {"tab_id": "c", "generation": 1}))["data"]
    assert joined["plan"] is None
    assert joined["snapshot"]["state"]["version"] > seen["state"]["version"]


async def test_a_close_by_the_api_reaches_everybody(opened_hall: Hall) -> None:
    """And late pages may still read the result."""
    opened = await opened_hall.office.open()
    customer, technician = await opened_hall.both(opened)
    await opened_hall.office.sessions.close(opened.view.id, "api")
    for line in (customer, technician):
        state = await line.hears("session.state", lambda state: state["state"] == "closed")
        assert state["close_reason"] == "api"
    late = await opened_hall.connect(opened, C)
    assert (await late.ask("session.sync"))["data"]["state"]["result"]["provisional"] in {True, False}


async def test_foreign_origins_are_turned_away(opened_hall: Hall) -> None:
    """Pages of other sites cannot open a socket; ours, and programs without an origin, can."""
    opened = await opened_hall.office.open()
    auth = {"token": opened_hall.token(opened, C)}
    with pytest.raises(socketio.exceptions.ConnectionError):
        await opened_hall.line().open(auth, {"Origin": "https://evil.example"})
    assert await (await opened_hall.line().open(auth, {"Origin": ORIGIN})).code("clock.read") == "ok"


@pytest.mark.parametrize(
    "query",
    ["EIO=4&transport=polling", "EIO=3&transport=websocket", "transport=websocket", "", "EIO=4&transport=x"],
)
async def test_only_websockets_are_served(opened_hall: Hall, query: str) -> None:
    """Other transports and versions are a client's error."""
    async with aiohttp.ClientSession() as http, http.get(f"{opened_hall.url}socket.io/?{query}") as response:
        assert response.status == 400
    assert opened_hall.signaling.counters["sockets"] == 0


async def test_too_large_a_packet_ends_the_socket(opened_hall: Hall) -> None:
    """The limit holds before anything is parsed; the largest description fits."""
    opened = await opened_hall.office.open()
    async with raw(opened_hall, opened) as socket:
        await socket.send_str('421["chat.post",{"text":"' + "x" * 100_000 + '"}]')
        await heard(socket)
        assert socket.closed
    _customer, technician = await opened_hall.both(opened)
    largest = {"generation": 1, "type": "offer", "sdp": ("a=" + "x" * 60 + "\r\n") * 1_024}
    assert await technician.code("description.send", largest) not in {"invalid_payload", "ok"}


async def test_a_reader_that_does_not_read_is_ended(opened_hall: Hall) -> None:
    """What waits for one connection is bounded."""
    opened = await opened_hall.office.open()
    async with raw(opened_hall, opened) as socket:
        await socket.send_str('421["session.sync"]')
        assert await acknowledgement(socket, 1) == "ok"
        (entry,) = opened_hall.signaling._connected.values()
        # The kernel takes some megabytes before anything waits here; the largest message fills them soon.
        large = Description(generation=1, type="offer", sdp="x" * SDP_MAX)
        for _ in range(10 * QUEUE_MAX):
            await opened_hall.signaling.send([entry.connection_id], "description.deliver", large)
        assert opened_hall.signaling.counters["slow_readers"] == 1
    await eventually(lambda: opened_hall.signaling.counters["sockets"] == 0, what="the socket's end")


async def test_stopping_tells_everybody(tmp_path: Any, opened_hall: Hall) -> None:
    """Connections hear why, and the log has their leaving."""
    opened = await opened_hall.office.open()
    customer, _technician = await opened_hall.both(opened)
    await opened_hall.signaling.stop()
    assert (await customer.hears("connection.closing"))["code"] == "server_stopping"
    await customer.is_closed()
    log = [one.event.type for one in await opened_hall.office.sessions.log(opened.view.id)]
    assert log.count("participant_left") == 2


async def test_counters_are_numbers(opened_hall: Hall) -> None:
    """For metrics."""
    await opened_hall.both(await opened_hall.office.open())
    counters = opened_hall.signaling.counters
    assert (counters["sockets"], counters["rooms"], counters["events"]) == (2, 1, 2)
    assert all(isinstance(value, int) for value in counters.values())


# --- raw WebSockets ---------------------------------------------------------------------------------


class raw:  # noqa: N801 - reads as a function
    """A WebSocket without a Socket.IO library, connected to the lobby as the customer."""

    def __init__(self, hall: Hall, opened: Any) -> None:
        self._url = f"{hall.url}socket.io/?EIO=4&transport=websocket"
        self._token = hall.token(opened, C)
        self._http = aiohttp.ClientSession()

    async def __aenter__(self) -> aiohttp.ClientWebSocketResponse:
        self._socket = await self._http.ws_connect(self._url)
        assert (await self._socket.receive_str()).startswith("0{")
        await self._socket.send_str("40" + json.dumps({"token": self._token}))
        assert (await self._socket.receive_str()).startswith("40{")
        return self._socket

    async def __aexit__(self, *_error: object) -> None:
        await self._socket.close()
        await self._http.close()


async def acknowledgement(socket: aiohttp.ClientWebSocketResponse, ack_id: int) -> str:
    """Return ``ok`` or the code of the acknowledgement with this id."""
    while True:
        packet = await asyncio.wait_for(socket.receive_str(), 5)
        if packet == "2":
            await socket.send_str("3")
        if packet.startswith(f"43{ack_id}["):
            answer = json.loads(packet[2 + len(str(ack_id)) :])[0]
            return "ok" if answer["ok"] else str(answer["error"]["code"])


async def heard(socket: aiohttp.ClientWebSocketResponse) -> list[str]:
    """Return packets until the socket ends or the answer with id 5 has come."""
    packets: list[str] = []
    while True:
        message = await asyncio.wait_for(socket.receive(), 5)
        if message.type is not aiohttp.WSMsgType.TEXT:
            return packets
        packets.append(message.data)
        if message.data.startswith("435["):
            return packets
