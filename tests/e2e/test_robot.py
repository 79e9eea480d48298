"""The robot with a Chromium page: a demo that is a real call."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from remote_assist.errors import NotFound
from remote_assist.robot import Robot
from tests.kit.browsers import CUSTOMER_SIGN, SCREEN_SIGN, TECHNICIAN_SIGN, CallPage, new_context
from tests.kit.marketplace import Marketplace
from tests.kit.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ROBOT_SIGN = 10


@contextlib.asynccontextmanager
async def running(robot: Robot) -> AsyncIterator[Robot]:
    """Run a robot beside the test; it must end by itself, or be cancelled, without an error."""
    task = asyncio.create_task(robot.run())
    try:
        yield robot
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_the_robot_is_a_technician_who_admits_and_chats(
    marketplace: Marketplace, chromium: Browser
) -> None:
    """A customer alone with the robot sees and hears it, is seen by it, and gets an answer in German."""
    opened = await marketplace.open_session(locale="de")
    context = await new_context(chromium, sign=CUSTOMER_SIGN)
    robot = Robot(opened.technician_url)
    try:
        async with running(robot):
            page = await CallPage.open(context, opened.customer_url)
            await page.join()
            await page.sees_motion(ROBOT_SIGN)
            await eventually(lambda: robot.received.coded_frames > 5, what="the page's picture")
            assert robot.received.code is not None
            assert robot.received.code.sign == CUSTOMER_SIGN
            await eventually(lambda: robot.received.loudest > 300, what="the page's tone")
            await expect(page.get("chat-log")).to_contain_text("obot")
            await page.get("chat-input").fill("Was kostet das?")
            await page.get("chat-input").press("Enter")
            await expect(page.get("chat-log")).to_contain_text(
                "count" if robot.locale.startswith("en") else "zählt"
            )
            await page.get("share-screen").click()
            await eventually(
                lambda: SCREEN_SIGN in robot.received.signs, what="the shared screen", within_s=20
            )
            await marketplace.close(opened.id)
            await page.in_state("ended")
            assert page.errors == []
    finally:
        await context.close()


async def test_the_robot_is_a_customer(marketplace: Marketplace, chromium: Browser) -> None:
    """A technician may practise with the robot, which never admits anybody."""
    opened = await marketplace.open_session()
    context = await new_context(chromium, sign=TECHNICIAN_SIGN)
    robot = Robot(opened.customer_url)
    try:
        async with running(robot):
            page = await CallPage.open(context, opened.technician_url)
            await page.join()
            await page.admit()
            await page.sees_motion(ROBOT_SIGN)
            await eventually(lambda: robot.received.coded_frames > 5, what="the page's picture")
            await marketplace.close(opened.id)
            await page.in_state("ended")
            assert page.errors == []
    finally:
        await context.close()


async def test_the_robot_ends_the_session_of_a_customer_who_hung_up(
    marketplace: Marketplace, chromium: Browser
) -> None:
    """Somebody who tries the demo gets the receipt soon after hanging up, but a reload ends nothing."""
    opened = await marketplace.open_session()
    context = await new_context(chromium, sign=CUSTOMER_SIGN)
    robot = Robot(opened.technician_url)
    try:
        async with running(robot):
            page = await CallPage.open(context, opened.customer_url)
            await page.join()
            await page.sees_motion(ROBOT_SIGN)
            await page.page.reload()
            await page.sees_motion(ROBOT_SIGN)
            await page.get("hang-up").click()
            await page.get("confirm-leave").click()
            await page.in_state("ended")
            log = await marketplace.log(opened.id)
            assert [event["reason"] for event in log if event["type"] == "session_closed"] == [
                "technician_ended"
            ]
    finally:
        await context.close()


async def test_two_robots_call_each_other_from_the_command_line(marketplace: Marketplace) -> None:
    """``demo-peer`` runs until the session ends, or until it is asked to stop, and exits with 0."""
    opened = await marketplace.open_session()
    robots = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "remote_assist",
            "demo-peer",
            url,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for url in (opened.customer_url, opened.technician_url)
    ]
    customer, technician = robots

    async def is_live() -> bool:
        log = await marketplace.log(opened.id)
        return {event["role"] for event in log if event["type"] == "flow_observed"} == {
            "customer",
            "technician",
        }

    await eventually(is_live, what="evidence of both", within_s=20)
    customer.send_signal(signal.SIGTERM)
    out, err = await customer.communicate()
    assert (customer.returncode, err) == (0, b"")
    assert json.loads(out.splitlines()[-1]) == {"event": "ended"}
    await marketplace.close(opened.id)
    out, err = await technician.communicate()
    assert (technician.returncode, err) == (0, b"")


async def test_a_robot_with_an_unknown_link_says_so(marketplace: Marketplace) -> None:
    """A link that nobody knows is not tried again and again."""
    with pytest.raises(NotFound, match="link_unknown"):
        await Robot(f"{marketplace.url}/j#AAAAAAAAAAAAAAAAAAAAAA").run()
    link = f"{marketplace.url}/j#AAAAAAAAAAAAAAAAAAAAAA"
    robot = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "remote_assist", "demo-peer", link), stderr=asyncio.subprocess.PIPE
    )
    _out, err = await robot.communicate()
    assert robot.returncode == 1
    assert err.startswith(b"The robot cannot take part: ")
    assert b"Traceback" not in err
