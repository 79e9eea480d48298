"""People who mean harm: in their names, in the chat, in size, and after the end."""

import asyncio
import json
from typing import Any, Final

import aiohttp
import pytest
import socketio
from playwright.async_api import expect

from tests.e2e.conftest import Call, CallFactory
from tests.kit.browsers import CUSTOMER_SIGN, TECHNICIAN_SIGN
from tests.kit.marketplace import Opened
from tests.kit.waiting import STRETCH, eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MARKUP: Final = (
    "<img src=x onerror=\"window.hurt='img'\">",
    "<script>window.hurt='script'</script>",
    "<svg onload=window.hurt='svg'>",
    "javascript:window.hurt='link'",
    "{name} {0} ${window.hurt='template'} {{hurt}}",
    "<b onclick=window.hurt=1>Ada</b> & \"Grace\" 'x' </textarea></style>",
)
MEGABYTE: Final = "A" * 1_000_000
ANSWER_S: Final = 5 * STRETCH


async def is_unhurt(call: Call) -> None:
    """Nothing that was written has run, and nothing of it became an element."""
    for page in (call.customer.page, call.technician.page):
        assert await page.evaluate("window.hurt ?? null") is None
        assert await page.locator("main img, main script, main svg[onload], b[onclick]").count() == 0


async def connection_of(call: Call, opened: Opened) -> tuple[aiohttp.ClientSession, socketio.AsyncClient]:
    """Return a connection of the customer's that no page of ours holds."""
    http = aiohttp.ClientSession()
    url = f"{call.marketplace.url}/api/v1/join"
    async with http.post(url, json={"secret": opened.secrets[0]}) as answer:
        token = (await answer.json())["token"]
    client = socketio.AsyncClient(reconnection=False, http_session=http)
    await client.connect(call.marketplace.url, auth={"token": token}, transports=["websocket"])
    return http, client


@pytest.mark.parametrize("name", MARKUP)
async def test_a_name_is_only_ever_text(open_call: CallFactory, name: str) -> None:
    """A name of markup is shown as it was written, in the lobby, in the title, in the call and at the end."""
    call = await open_call(customer={"name": name, "locale": "fr"}, technician={"name": name})
    await expect(call.technician.page.locator("h1")).to_contain_text(name)
    await is_unhurt(call)
    await call.begin()
    await expect(call.technician.page.locator("h1")).to_have_text(name)
    await is_unhurt(call)
    await call.hang_up()
    await expect(call.customer.get("receipt")).to_be_visible()
    await is_unhurt(call)


async def test_chat_is_only_ever_text(open_call: CallFactory) -> None:
    """Markup in the chat is shown as it was written, and nothing of it runs."""
    call = await (await open_call()).begin()
    for line in MARKUP:
        await call.customer.get("chat-input").fill(line)
        await call.customer.get("chat-input").press("Enter")
        await expect(call.technician.get("chat-log")).to_contain_text(line)
    await is_unhurt(call)
    await call.technician.sees_motion(CUSTOMER_SIGN)


async def test_a_megabyte_is_refused_and_disturbs_nobody(open_call: CallFactory) -> None:
    """The page clips what is typed; a program's megabyte costs only its own connection."""
    call = await (await open_call()).begin()
    await call.customer.get("chat-input").fill("B" * 5_000)
    await call.customer.get("chat-input").press("Enter")
    await expect(call.technician.get("chat-log")).to_contain_text("B" * 100)
    http, client = await connection_of(call, call.opened)
    try:
        long = await client.call("chat.post", {"client_id": "x1", "text": "C" * 2_001}, timeout=ANSWER_S)
        assert (long["ok"], long["error"]["code"]) == (False, "invalid_payload")
        await client.emit("chat.post", {"client_id": "x2", "text": MEGABYTE})
        await eventually(lambda: not client.connected, within_s=10, what="the end of that connection")
    finally:
        await client.disconnect()
        await http.close()
    log = await call.technician.text("chat-log")
    assert "CCCC" not in log
    assert "AAAA" not in log
    await asyncio.gather(
        call.customer.sees_motion(TECHNICIAN_SIGN), call.technician.sees_motion(CUSTOMER_SIGN)
    )


async def test_a_megabyte_of_http_is_refused(open_call: CallFactory) -> None:
    """A huge or senseless body is answered with a problem, and the session stays as it was."""
    call = await open_call()
    body: Any
    async with aiohttp.ClientSession(f"{call.marketplace.url}/api/v1/") as http:
        for body in (json.dumps({"secret": MEGABYTE}), "[" * 100_000, MEGABYTE):
            headers = {"Content-Type": "application/json"}
            async with http.post("join", data=body, headers=headers) as answer:
                assert 400 <= answer.status < 500
                assert answer.content_type == "application/problem+json"
    await call.begin()


async def test_nothing_can_be_said_after_the_end(open_call: CallFactory) -> None:
    """After the end the chat is gone from the page, and the server refuses what a program still sends."""
    call = await (await open_call()).begin()
    http, client = await connection_of(call, call.opened)
    try:
        await call.hang_up()
        await expect(call.customer.get("chat-input")).to_have_count(0)
        late = await client.call(
            "chat.post", {"client_id": "late", "text": "one more thing"}, timeout=ANSWER_S
        )
        assert (late["ok"], late["error"]["code"]) == (False, "session_closed")
    finally:
        await client.disconnect()
        await http.close()
