"""What the routes lean on, handed in once by the composition root."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from aiohttp import web

from remote_assist.api.limits import GuessLimit
from remote_assist.api.schemas import IceServerOut
from remote_assist.clock import Clock
from remote_assist.ids import SessionId
from remote_assist.media.self_calls import SelfCalls
from remote_assist.sessions.endpoints import EndpointService
from remote_assist.sessions.files import FileService
from remote_assist.sessions.partners import PartnerService
from remote_assist.sessions.service import SessionService
from remote_assist.sessions.views import OpenedSession
from remote_assist.telemetry import Metrics
from remote_assist.tokens import TokenSigner


class Demo(Protocol):
    """What demo mode adds: sessions without a key, and robots."""

    async def open_session(self) -> OpenedSession:
        """Open a session of the demo partner, with demo terms."""
        ...

    async def start_robot(self, session_id: SessionId, technician_url: str) -> None:
        """Let a robot take the technician's side; Conflict when all robots are busy."""
        ...


@dataclass(frozen=True)
class Context:
    """The parts of the application that HTTP needs."""

    clock: Clock
    sessions: SessionService
    files: FileService
    endpoints: EndpointService
    partners: PartnerService
    signer: TokenSigner
    metrics: Metrics
    self_calls: SelfCalls
    public_url: Callable[[], str]
    """The base of links, without a slash at its end; known for sure once the server listens."""
    lan_url: Callable[[], str | None] = lambda: None
    ice_servers: Callable[[str, str], Sequence[IceServerOut]] = lambda _session_id, _role: ()
    """Servers with credentials for a session id and a role."""
    checks: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    """Each raises when this server cannot do its work."""
    is_draining: Callable[[], bool] = lambda: False
    asyncapi: Mapping[str, Any] = field(default_factory=dict)
    serves_metrics: bool = False
    demo: Demo | None = None
    guesses: GuessLimit = field(default_factory=lambda: GuessLimit(burst=60, refill_s=1.0))
    test_calls: GuessLimit = field(default_factory=lambda: GuessLimit(burst=10, refill_s=20.0))
    """A household that tries again and again gets three a minute."""


CONTEXT: Final = web.AppKey("context", Context)


def context_of(request: web.Request) -> Context:
    """Return the parts that belong to the application a request came to."""
    return request.app[CONTEXT]
