"""Pictures and files in the chat, and those that want to do harm."""

import struct
import zlib
from typing import Final

import pytest
from playwright.async_api import Browser, FilePayload, expect

from tests.e2e.conftest import CallFactory
from tests.e2e.test_states import PHONE, look
from tests.kit.browsers import CUSTOMER_SIGN, CallPage, new_context
from tests.kit.marketplace import Marketplace

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PAGE: Final = b"<!doctype html><script>window.top.harmed = document.body.dataset.harmed = true</script>"
PASTE: Final = """([input, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], 'image.png', { type: 'image/png' }));
  input.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
}"""


def png(width: int, height: int) -> bytes:
    """Return a real PNG: one blue."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = (b"\0" + b"\x20\x60\xb0" * width) * height
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


async def show_chat(page: CallPage) -> None:
    """Open the chat where it waits to be asked for."""
    if await page.get("chat-log").count() == 0:
        await page.get("chat-toggle").click()


async def test_pictures_and_files_reach_the_other_side(open_call: CallFactory) -> None:
    """A pasted picture shows, a page comes as a text to be saved, a program is refused; nothing runs."""
    call = await (await open_call()).connect()
    customer, technician = call.customer, call.technician
    await technician.get("admit").wait_for()
    await show_chat(customer)
    await show_chat(technician)
    await technician.get("chat-input").evaluate(
        f"(input, bytes) => ({PASTE})([input, bytes])", list(png(320, 200))
    )
    shown = customer.get("chat-picture").locator("img")
    await expect(shown).to_have_count(1)
    await customer.until(lambda: shown.evaluate("image => image.naturalWidth === 320"), "the picture")

    await customer.get("chat-files").set_input_files(
        [
            FilePayload(name='"><img src=x onerror=harmed=1>.html', mimeType="image/png", buffer=PAGE),
            FilePayload(name="invoice.pdf", mimeType="application/pdf", buffer=b"MZ\x90\0\3\0"),
        ]
    )
    await expect(customer.get("chat-uploads")).to_contain_text("Only pictures, PDF and text")
    await expect(technician.get("chat-file")).to_contain_text(".txt")
    async with technician.page.expect_download() as saving:
        await technician.get("chat-file").click()
    saved = await (await saving.value).path()
    assert saved.read_bytes() == PAGE
    for page in (customer, technician):
        assert await page.page.evaluate("'harmed' in window || 'harmed' in document.body.dataset") is False
    await look(technician.page, "chat-files-technician")
    await customer.page.set_viewport_size({"width": 390, "height": 844})
    await look(customer.page, "chat-files-phone")
    await customer.get("chat-picture").click()
    await look(customer.page, "chat-picture-large-phone")
    refused = [line for line in customer.errors if "422" in line]
    assert len(refused) == 1
    customer.errors.remove(refused[0])


async def test_a_phone_that_cannot_share_its_screen_sends_a_photo(
    chromium: Browser, marketplace: Marketplace
) -> None:
    """There is no dead button: the photo, made smaller, is in the chat at once."""
    opened = await marketplace.open_session()
    agent = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"
    context = await new_context(chromium, sign=CUSTOMER_SIGN, user_agent=agent, **PHONE)
    try:
        customer = await CallPage.open(context, opened.customer_url)
        await customer.join()
        await customer.get("send-photo").wait_for()
        assert await customer.get("share-screen").count() == 0
        photo = FilePayload(name="IMG_1.jpg", mimeType="image/jpeg", buffer=png(3_000, 1_500))
        await customer.get("photo-file").set_input_files([photo])
        shown = customer.get("chat-picture").locator("img")
        await customer.until(lambda: shown.evaluate("image => image.naturalWidth === 2048"), "the photo")
        await look(customer.page, "photo-sent-phone")
    finally:
        await context.close()
        await marketplace.close(opened.id)
