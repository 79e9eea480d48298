"""The composition root: settings in, a wired server out. The only file that knows every part.

``Server.parts`` is the one list of what starts, in this order, and stops, in the reverse one.
"""

import asyncio
import contextlib
import json
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from remote_assist import ground, telemetry
from remote_assist.api import banner, lan
from remote_assist.api import server as http
from remote_assist.api.context import Context
from remote_assist.api.demo import PATIENT_WAIT_MS, DemoDesk
from remote_assist.api.schemas import IceServerOut
from remote_assist.api.views import link
from remote_assist.clock import SystemClock
from remote_assist.cluster import Doorbell, LocalWakeups, RedisWakeups
from remote_assist.errors import Conflict
from remote_assist.ids import NodeId, new_id
from remote_assist.media import turn
from remote_assist.media.relay import Relay, RelayConfig
from remote_assist.media.self_calls import SelfCalls
from remote_assist.outbound import OutboundClient
from remote_assist.sessions.endpoints import EndpointService
from remote_assist.sessions.files import FileService
from remote_assist.sessions.partners import PartnerService
from remote_assist.sessions.service import SessionService
from remote_assist.settings import PREFIX, Settings
from remote_assist.signaling import asyncapi
from remote_assist.signaling import server as signaling
from remote_assist.signaling.messages import IceServer
from remote_assist.store.blobs import FolderBlobs
from remote_assist.store.unit_of_work import SqlStore
from remote_assist.workers.deliver import DeliveryWorker
from remote_assist.workers.due import DueWorker

log = structlog.get_logger(__name__)
HTTP_STOP_S: Final = 5.0
"""How long open requests may go on once their sessions have been told."""
DRAIN_POLL_S: Final = 0.5
DEMO_KEY_FILE: Final = "demo-api-key"


class Part(NamedTuple):
    """Something that starts and stops with the server."""

    name: str
    start: Callable[[], Awaitable[None]]
    stop: Callable[[], Awaitable[None]]


def serve(settings: Settings, *, is_demo: bool, is_lan: bool) -> int:
    """Serve until a signal says otherwise, and return the exit code.

    Raises:
        StartError: a port is taken, or the data folder cannot be used.
    """
    telemetry.set_up_logs()
    for secret in (
        settings.bootstrap_api_key,
        settings.turn_secret,
        settings.database_url,
        settings.redis_url,
    ):
        telemetry.protect(secret.get_secret_value() if secret else "")
    return asyncio.run(Server(settings, is_demo=is_demo, is_lan=is_lan).run())


def migrate(settings: Settings) -> None:
    """Bring the database to this version's tables."""
    telemetry.set_up_logs()
    ground.make_folder(settings.data_dir)

    async def run() -> None:
        database = ground.database(settings)
        try:
            await database.migrate()
        except (SQLAlchemyError, OSError) as error:
            raise ground.database_trouble(error) from None
        finally:
            await database.close()

    asyncio.run(run())


def protocol_document(which: str) -> dict[str, Any]:
    """Return the AsyncAPI document, or the schema of the events for the pages' types."""
    return asyncapi.asyncapi_document() if which == "asyncapi" else asyncapi.events_schema()


class Server:
    """One node: everything, wired."""

    def __init__(self, settings: Settings, *, is_demo: bool, is_lan: bool) -> None:
        self.settings = settings
        self.is_demo = is_demo
        self.is_lan = is_lan
        ground.make_folder(settings.data_dir)
        self.clock = SystemClock()
        self.node_id = NodeId(new_id())
        self.http_socket = ground.listening_socket(settings.http_host, settings.http_port, "HTTP_PORT")
        self.lan_addresses = lan.local_addresses() if is_lan else []
        self.lan_socket = (
            ground.listening_socket("0.0.0.0", settings.lan_port, "LAN_PORT") if self.lan_addresses else None  # noqa: S104 - the local network is the point
        )
        self.is_draining = False
        self.folder_claim: int | None = None
        self._wire()

    def _wire(self) -> None:
        """Make every part, and the list in which they start."""
        settings = self.settings
        self.signer = ground.signer(settings.data_dir / "keys", self.public_url)
        self.doorbell = Doorbell()
        self.wakeups = (
            RedisWakeups(settings.redis_url.get_secret_value(), self.node_id)
            if settings.redis_url
            else LocalWakeups()
        )
        self.demo_key = self._demo_key() if self.is_demo else ""
        self.database = ground.database(settings)
        self.store = SqlStore(self.database, self.wakeups, self.doorbell)
        self.metrics = telemetry.Metrics()
        # Unset means: only in demo mode.
        allow_private = settings.webhook_allow_private
        self.outbound = OutboundClient(allow_private=self.is_demo if allow_private is None else allow_private)
        self.sessions = SessionService(self.store, self.clock, self.signer)
        self.files = FileService(self.store, self.clock, FolderBlobs(settings.data_dir / "blobs"))
        self.endpoints = EndpointService(self.store, self.clock, self.outbound.check_url)
        self.partners = PartnerService(self.store, self.clock)
        self.due = DueWorker(
            self.store,
            self.clock,
            self.node_id,
            self.doorbell,
            {"settle": self.sessions.work_off_settlement, "expire": self.sessions.work_off_expiry},
        )
        self.delivery = DeliveryWorker(
            store=self.store,
            clock=self.clock,
            node_id=self.node_id,
            doorbell=self.doorbell,
            client=self.outbound,
            jitter=random.random,
        )
        self.demo = DemoDesk(self.sessions) if self.is_demo else None
        config = RelayConfig(settings.media_host, settings.media_port, settings.media_public_addresses)
        # Relay and signaling need each other; facts come only once both are there.
        self.relay = Relay(config, self.clock.now_ms, on_fact=lambda fact: self.signaling.on_fact(fact))  # noqa: PLW0108 - as said
        self.self_calls = SelfCalls(self.relay)
        self.signaling = signaling.build(
            node_id=self.node_id,
            service=self.sessions,
            relay=self.relay,
            signer=self.signer,
            clock=self.clock,
            wakeups=self.wakeups,
            origins=self.origins,
            ice_servers=lambda session_id, role: [
                IceServer(urls=one.urls, username=one.username, credential=one.credential)
                for one in self.ice_servers(session_id, role)
            ],
        )
        self.metrics.include("relay", lambda: self.relay.counters)
        self.metrics.include("signaling", lambda: self.signaling.counters)
        self.runner = web.AppRunner(
            self._application(),
            handle_signals=False,
            access_log=None,
            shutdown_timeout=HTTP_STOP_S,
            auto_decompress=False,  # compressed bodies are refused, so nothing here can be a bomb
        )

    def _application(self) -> web.Application:
        """Return all of HTTP, sockets included."""
        context = Context(
            clock=self.clock,
            sessions=self.sessions,
            files=self.files,
            endpoints=self.endpoints,
            partners=self.partners,
            signer=self.signer,
            metrics=self.metrics,
            self_calls=self.self_calls,
            public_url=lambda: self.public_url,
            lan_url=lambda: self.lan_url,
            ice_servers=self.ice_servers,
            checks={"database": self.check_database, "relay": self.check_relay},
            is_draining=lambda: self.is_draining,
            asyncapi=asyncapi.asyncapi_document(),
            serves_metrics=self.settings.metrics,
            demo=self.demo,
        )
        application = http.build(context)
        self.signaling.attach(application)
        return application

    def _demo_key(self) -> str:
        """Return the demo partner's API key, the same at every start."""
        made = f"ra_demo_{secrets.token_urlsafe(18)}".encode()
        return ground.kept(self.settings.data_dir / "keys" / DEMO_KEY_FILE, lambda: made).decode()

    @property
    def http_url(self) -> str:
        """Return where HTTP is reached on this machine."""
        host = self.settings.http_host
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - compared only
        return f"http://{shown}:{self.http_socket.getsockname()[1]}"

    @property
    def public_url(self) -> str:
        """Return the base of every link."""
        return self.settings.public_url or self.http_url

    @property
    def lan_url(self) -> str | None:
        """Return where HTTPS is reached on the local network."""
        if self.lan_socket is None:
            return None
        return f"https://{self.lan_addresses[0]}:{self.lan_socket.getsockname()[1]}"

    def parts(self) -> list[Part]:
        """Return what starts, in this order, and stops, in the reverse one."""
        return [
            Part("data folder", self.claim_folder, self.release_folder),
            Part("wakeups", self.start_wakeups, self.stop_wakeups),
            Part("database", self.start_database, self.database.close),
            Part("partners", self.ensure_partners, _nothing),
            Part("recovery", self.recover, _nothing),
            Part("relay", self.start_relay, self.relay.stop),
            Part("outbound", self.outbound.start, self.outbound.stop),
            Part("delivery worker", self.delivery.start, self.delivery.stop),
            Part("due worker", self.due.start, self.due.stop),
            Part("http", self.runner.setup, self.runner.cleanup),
            Part("test calls", _nothing, self.stop_self_calls),
            Part("sockets", self.signaling.start, self.signaling.stop),
            Part("listening", self.listen, self.stop_listening),
            Part("robots", _nothing, self.demo.stop if self.demo else _nothing),
        ]

    async def run(self) -> int:
        """Serve until told to stop."""
        is_told = ground.signals()
        async with self.running():
            await self.announce()
            await is_told.wait()
            await self.drain(self.settings.effective_drain_s())
        log.info("stopped")
        return 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start everything, and in the end stop everything that was started."""
        async with contextlib.AsyncExitStack() as started:
            for part in self.parts():
                started.push_async_callback(self._stop, part)
                await part.start()
            yield

    async def _stop(self, part: Part) -> None:
        """Stop a part; its failure must not keep the others from stopping."""
        try:
            await part.stop()
        except Exception:  # the outermost loop of this shell
            log.exception("stop_failed", part=part.name)

    async def drain(self, drain_s: int) -> None:
        """Take no new sessions, and let live ones end by themselves for a while."""
        self.is_draining = True
        log.info("draining", rooms=self.signaling.counters["rooms"], drain_s=drain_s)
        until_s = self.clock.monotonic_s() + drain_s
        while self.signaling.counters["rooms"] and self.clock.monotonic_s() < until_s:  # noqa: ASYNC110 - rooms end in many ways
            await asyncio.sleep(DRAIN_POLL_S)

    async def announce(self) -> None:
        """Write the ready line, in one write, and in demo mode what to try."""
        ready = {"event": "ready", "http_url": self.http_url, "media_port": self.relay.port}
        ground.say(json.dumps(ready, separators=(",", ":")) + "\n")
        log.info("ready", node_id=self.node_id, media_addresses=list(self.relay.addresses))
        if self.demo:
            opened = await self.demo.open_session(PATIENT_WAIT_MS)
            ground.say(
                banner.text(
                    first_screen=self.public_url,
                    customer_url=link(self.public_url, opened.customer_secret),
                    technician_url=link(self.public_url, opened.technician_secret),
                    api_key=self.demo_key,
                    phone_url=link(self.lan_url, opened.customer_secret) if self.lan_url else None,
                )
            )

    async def claim_folder(self) -> None:
        """Keep other servers away from the data folder."""
        self.folder_claim = ground.claim_folder(self.settings.data_dir)

    async def release_folder(self) -> None:
        """Let another server have the data folder."""
        if self.folder_claim is not None:
            ground.release_folder(self.folder_claim)

    async def start_database(self) -> None:
        """Bring the tables up to this version."""
        try:
            await self.database.migrate()
            await self.database.check()
        except (SQLAlchemyError, OSError) as error:
            raise ground.database_trouble(error) from None

    async def start_relay(self) -> None:
        """Bind the media port."""
        try:
            await self.relay.start()
        except OSError as error:
            raise ground.port_trouble(
                error, self.settings.media_host, self.settings.media_port, "MEDIA_PORT"
            ) from None

    async def stop_self_calls(self) -> None:
        """End the test calls and their timers."""
        self.self_calls.stop()

    async def recover(self) -> None:
        """Admit the outage to sessions that were live when a node died."""
        count = await self.sessions.recover(self.node_id, sole_node=self.settings.redis_url is None)
        if count:
            log.warning("sessions_recovered", count=count)

    async def ensure_partners(self) -> None:
        """Make sure that the partners of the settings and of demo mode exist."""
        if self.settings.bootstrap_api_key:
            key = self.settings.bootstrap_api_key.get_secret_value()
            try:
                await self.partners.ensure_partner("default", key)
            except Conflict as conflict:
                raise ground.StartError(f"{PREFIX}BOOTSTRAP_API_KEY: {conflict.detail}") from None
        if self.demo:
            partner = await self.partners.ensure_partner("demo", self.demo_key)
            self.demo.partner_id = partner.id
            self.wakeups.subscribe(self.demo.wake)

    async def listen(self) -> None:
        """Accept connections."""
        await web.SockSite(self.runner, self.http_socket, backlog=1024).start()
        if self.lan_socket:
            context = lan.server_context(self.settings.data_dir, self.lan_addresses, self.clock.now_ms())
            await web.SockSite(self.runner, self.lan_socket, ssl_context=context).start()

    async def stop_listening(self) -> None:
        """Accept no more connections; those that stand go on."""
        for site in list(self.runner.sites):
            await site.stop()

    async def start_wakeups(self) -> None:
        """Begin to hear other nodes."""
        if isinstance(self.wakeups, RedisWakeups):
            await self.wakeups.start()

    async def stop_wakeups(self) -> None:
        """Hear other nodes no more."""
        if isinstance(self.wakeups, RedisWakeups):
            await self.wakeups.stop()

    def origins(self) -> list[str]:
        """Return every origin that our pages are served from."""
        port = self.http_socket.getsockname()[1]
        urls = [self.public_url, self.http_url, f"http://localhost:{port}", f"http://127.0.0.1:{port}"]
        if self.lan_socket:
            lan_port = self.lan_socket.getsockname()[1]
            urls += [
                f"https://{address}:{lan_port}" for address in ("localhost", "127.0.0.1", *self.lan_addresses)
            ]
        return ["{0.scheme}://{0.netloc}".format(urlsplit(url)) for url in urls]

    def ice_servers(self, session_id: str, role: str) -> list[IceServerOut]:
        """Return the TURN servers with a credential for one participant."""
        settings = self.settings
        if not settings.turn_urls or settings.turn_secret is None:
            return []
        secret = settings.turn_secret.get_secret_value()
        made = turn.credential(secret, f"{session_id}:{role}", self.clock.now_ms())
        return [IceServerOut(urls=list(settings.turn_urls), username=made.username, credential=made.password)]

    async def check_relay(self) -> None:
        """Raise unless the media port is open."""
        assert self.relay.port

    async def check_database(self) -> None:
        """Raise unless the database can be written."""
        await self.database.check()


async def _nothing() -> None:
    """Need nothing at this end."""
