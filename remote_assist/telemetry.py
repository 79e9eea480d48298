"""Structured logs on stderr, and the metrics of this process.

No secret may ever reach a log. Two rules see to it, and apply to every line, also to those of libraries:
fields with a telling name are blanked, and texts lose whatever looks like a token, a link's fragment,
a description (SDP) or one of the secrets named to ``protect``.
"""

import logging
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final, TextIO

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

BLANK: Final = "[redacted]"
TEXT_MAX: Final = 4_000
"""Longest text in a log line; a stack trace fits, a description of a hostile page does not."""

_TELLING = re.compile(
    r"secret|token|authorization|password|credential|api_?key|cookie|sdp|fragment|ufrag|pwd|signature"
    r"|(^|_)(name|email|text|body|url)$",
    re.IGNORECASE,
)
_PATTERNS: Final = (
    re.compile(r"(?<=#)[A-Za-z0-9_%-]{8,}"),  # the fragment of a link
    re.compile(r"\beyJ[A-Za-z0-9_-]{5,}(\.[A-Za-z0-9_-]*)*"),  # a JWS or JWT: {"... in base64url
    re.compile(r"\bwhsec_[A-Za-z0-9+/=_-]+"),
    re.compile(r"(?i)(?<=bearer )\S+"),
    re.compile(r"(?<=://)[^/\s@]+(?=@)"),  # user and password of a URL
    re.compile(r"v=0(\\r|\\n|\r|\n)[\s\S]*"),  # a description, to its end
    re.compile(r"a=(ice-ufrag|ice-pwd|fingerprint|crypto|candidate):?[^\\\r\n]*"),
)
_protected: set[str] = set()


def protect(secret: str) -> None:
    """Never let this exact text reach a log."""
    if secret:
        _protected.add(secret)


def redact(value: Any) -> Any:
    """Return ``value`` without anything that looks like a secret."""
    if isinstance(value, str):
        return _redact_text(value)
    if isinstance(value, Mapping):
        return {str(key): _redact_field(str(key), one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redact(one) for one in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return _redact_text(repr(value))


def _redact_field(key: str, value: Any) -> Any:
    return BLANK if _TELLING.search(key) and value is not None else redact(value)


def _redact_text(text: str) -> str:
    for secret in _protected:
        text = text.replace(secret, BLANK)
    for pattern in _PATTERNS:
        text = pattern.sub(BLANK, text)
    return text if len(text) <= TEXT_MAX else text[:TEXT_MAX] + "..."


def _redact_line(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank what must not be seen; ``event`` is our own fixed text and still passes the patterns."""
    return {key: _redact_field(key, value) for key, value in line.items() if not key.startswith("_")}


def _drop_arguments(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    line.pop("positional_args", None)
    return line


def set_up_logs(stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send our logs and those of libraries to ``stream`` (stderr): JSON, or colours on a terminal."""
    stream = stream or sys.stderr
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _drop_arguments,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    is_terminal = stream.isatty()
    render: Any = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if is_terminal
        else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _redact_line,
                render,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    http = logging.getLogger("aiohttp.server")
    if _is_ours not in http.filters:
        http.addFilter(_is_ours)
    for chatty in ("aiohttp.access", "socketio", "engineio", "alembic", "aioice", "aiortc", "asyncio"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))


def _is_ours(record: logging.LogRecord) -> bool:
    """Tell whether a line of the HTTP library is about us: strangers who speak no HTTP fill no logs."""
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or not kind.__module__.startswith("aiohttp.http_exceptions")


class Metrics:
    """What Prometheus may read. Labels are routes and codes, never ids."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "remote_assist_http_requests",
            "HTTP requests by route and status.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "remote_assist_http_request_seconds",
            "Time to answer.",
            ["method", "route"],
            registry=self.registry,
        )

    def observe_request(self, method: str, route: str, status: int, elapsed_s: float) -> None:
        """Count one answered HTTP request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(elapsed_s)

    def include(self, prefix: str, read: Callable[[], Mapping[str, int]]) -> None:
        """Show somebody else's counters, read when Prometheus asks."""
        self.registry.register(_Counters(prefix, read))

    def render(self) -> bytes:
        """Return the Prometheus text format."""
        return generate_latest(self.registry)


class _Counters(Collector):
    def __init__(self, prefix: str, read: Callable[[], Mapping[str, int]]) -> None:
        self._prefix = prefix
        self._read = read

    def collect(self) -> list[CounterMetricFamily]:
        family = CounterMetricFamily(
            f"remote_assist_{self._prefix}", f"Counters of {self._prefix}.", labels=["what"]
        )
        for what, count in sorted(self._read().items()):
            family.add_metric([what], count)
        return [family]
