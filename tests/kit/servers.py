"""A real ``remote-assist serve`` in a process of its own, on free ports, with its own data folder.

Output is read by a thread, so that a server may outlive one event loop and serve benches too.
"""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final, Self

from tests.kit.waiting import STRETCH

FIXED_PORTS: Final = range(20_000, 30_000)
API_KEY: Final = "canary-api-key-7d1f0c52"
READY_S: Final = 60
STOP_S: Final = 30


class Server:
    """One server process after another on the same data folder.

    ``keeps_ports`` chooses ports that survive a restart: not from the range from which the system picks the
    local ports of outgoing connections, one of which could otherwise take the port while the server is down.
    """

    def __init__(self, data_dir: Path, *, keeps_ports: bool = False, **settings: str) -> None:
        self.data_dir = data_dir
        self.lines: list[str] = []
        """Everything any of its processes wrote, stdout and stderr."""
        self.url = ""
        self.http_port = _free_port(socket.SOCK_STREAM) if keeps_ports else 0
        self.media_port = _free_port(socket.SOCK_DGRAM) if keeps_ports else 0
        self._settings = settings
        self._process: subprocess.Popen[str] | None = None
        self._ready = threading.Event()
        self._readers: list[threading.Thread] = []

    def start(self, *arguments: str) -> Self:
        """Start a process and wait until it serves."""
        assert self._process is None, "one process at a time"
        self._ready.clear()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "remote_assist", "serve", *arguments],
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for stream in (self._process.stdout, self._process.stderr):
            reader = threading.Thread(target=self._read, args=(stream, self._process), daemon=True)
            reader.start()
            self._readers.append(reader)
        in_time, code = self._ready.wait(READY_S * STRETCH), self._process.poll()
        if not in_time or code is not None:
            self.kill()
            said = "\n".join(self.lines[-60:])
            raise AssertionError(
                f"the server did not get ready (in time: {in_time}, exit code: {code}):\n{said}"
            )
        return self

    def kill(self) -> None:
        """Send SIGKILL, and wait until it is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask politely, as an operator does, and return the exit code."""
        return self._end(signal.SIGTERM)

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid

    def _end(self, number: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        try:
            code = process.wait(STOP_S * STRETCH)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError("the server did not stop:\n" + "\n".join(self.lines[-60:])) from None
        finally:
            for reader in self._readers:
                reader.join(STOP_S)
            self._readers.clear()
            for stream in (process.stdout, process.stderr):
                assert stream is not None
                stream.close()
        return code

    def _environment(self) -> dict[str, str]:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("REMOTE_ASSIST_")
        }
        settings = {
            "HTTP_HOST": "127.0.0.1",
            "HTTP_PORT": str(self.http_port),
            "MEDIA_PORT": str(self.media_port),
            "DATA_DIR": str(self.data_dir),
            "BOOTSTRAP_API_KEY": API_KEY,
            "WEBHOOK_ALLOW_PRIVATE": "true",
            **self._settings,
        }
        return inherited | {f"REMOTE_ASSIST_{name}": value for name, value in settings.items()}

    def _read(self, stream: Any, process: "subprocess.Popen[str]") -> None:
        for line in stream:
            self.lines.append(line.rstrip("\n"))
            if not self._ready.is_set() and line.startswith("{"):
                self._note_ready(line)
        process.wait()
        if self._process is process:
            self._ready.set()  # if it died before it was ready: wake the starter to say so

    def _note_ready(self, line: str) -> None:
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if event.get("event") == "ready" and "http_url" in event:
                self.url = event["http_url"].rstrip("/")
                self.http_port = int(self.url.rsplit(":", 1)[1])
                self.media_port = event["media_port"]
                self._ready.set()


def _free_port(kind: socket.SocketKind) -> int:
    for port in random.sample(FIXED_PORTS, 50):
        with socket.socket(socket.AF_INET, kind) as probe, contextlib.suppress(OSError):
            probe.bind(("0.0.0.0", port))
            return port
    raise AssertionError(f"no free port in {FIXED_PORTS}")
