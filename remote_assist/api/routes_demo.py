"""Sessions to try without a key. These routes exist in demo mode only."""

from http import HTTPStatus

from aiohttp import web

from remote_assist.api.context import context_of
from remote_assist.api.layer import Access, Operations
from remote_assist.api.schemas import DemoSessionIn, DemoSessionOut, PhoneLink
from remote_assist.api.views import link

operations = Operations("demo")


@operations.add(
    "POST", "/api/v1/demo/sessions", status=201, access=Access.PUBLIC, refusals=(HTTPStatus.CONFLICT,)
)
async def open_demo_session(request: web.Request, body: DemoSessionIn) -> DemoSessionOut:
    """Open a session with a robot, a second window or a phone."""
    context = context_of(request)
    assert context.demo is not None, "the route exists in demo mode only"
    opened = await context.demo.open_session()
    technician_url = link(context.public_url(), opened.technician_secret)
    if body.partner == "robot":
        await context.demo.start_robot(opened.view.id, technician_url)
    lan_url = context.lan_url() if body.partner == "phone" else None
    return DemoSessionOut(
        session_id=opened.view.id,
        customer_url=link(context.public_url(), opened.customer_secret),
        technician_url=technician_url,
        phone=PhoneLink(url=link(lan_url, opened.customer_secret)) if lan_url else None,
    )
