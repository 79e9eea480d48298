"""Firefox with Chromium through the relay, each in either role."""

import pytest
from playwright.async_api import Browser

from tests.e2e.conftest import CallFactory
from tests.kit.browsers import CUSTOMER_SIGN, TECHNICIAN_SIGN

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("firefox_is", ["customer", "technician"])
async def test_firefox_and_chromium_see_each_other(
    open_call: CallFactory, chromium: Browser, firefox: Browser, firefox_is: str
) -> None:
    """Pictures travel both ways, whichever of the two offers."""
    browsers = {
        "customer_browser": chromium,
        "technician_browser": chromium,
        f"{firefox_is}_browser": firefox,
    }
    call = await (await open_call(**browsers)).begin()
    await call.customer.sees_motion(TECHNICIAN_SIGN)
    await call.technician.sees_motion(CUSTOMER_SIGN)
    await call.hang_up()
