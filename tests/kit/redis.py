"""A real Redis on a free port, empty and forgetful."""

import contextlib
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator

from tests.kit.waiting import STRETCH


@contextlib.contextmanager
def redis_server() -> Iterator[str]:
    """Yield the URL of a fresh Redis; fail when it is not installed."""
    program = shutil.which("redis-server")
    assert program, "redis-server is missing; `make system` installs it"
    with tempfile.TemporaryDirectory() as folder:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        process = subprocess.Popen(
            [
                program,
                "--port",
                str(port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--dir",
                folder,
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            for line in process.stdout:  # ends when the process does; its own start-up is quick
                if "Ready to accept connections" in line:
                    break
            else:
                raise AssertionError("redis-server did not start")
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()
            process.wait(10 * STRETCH)
            if process.stdout is not None:
                process.stdout.close()
