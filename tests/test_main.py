"""__main__.py and app.py as an operator meets them: real processes, their output and exit codes."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from remote_assist.tokens import TokenSigner, generate_key_pem, load_key_pem
from tests.kit.waiting import STRETCH

CANARY_KEY = "canary-operator-key-41c7"
LIMIT_S = 30 * STRETCH


def environment(folder: Path, **settings: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("REMOTE_ASSIST_")}
    given = {"HTTP_PORT": "0", "MEDIA_PORT": "0", "LAN_PORT": "0", "DATA_DIR": str(folder), **settings}
    return inherited | {f"REMOTE_ASSIST_{name}": value for name, value in given.items()}


def run(*arguments: str, folder: Path, given: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "remote_assist", *arguments],
        env=environment(folder, **settings),
        input=given,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


class Running:
    """A server process that has said it is ready."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.first_line = process.stdout.readline()

    @property
    def ready(self) -> Any:
        return json.loads(self.first_line)

    def ask(self, path: str, body: Any = None, key: str | None = None, method: str | None = None) -> Any:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.ready["http_url"] + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=LIMIT_S) as response:
                return response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.read().decode()

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal; return exit code, the rest of stdout, and stderr."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=LIMIT_S)
        return self.process.returncode, out, err


@contextlib.contextmanager
def serving(folder: Path, *arguments: str, **settings: str) -> Iterator[Running]:
    process = subprocess.Popen(
        [sys.executable, "-m", "remote_assist", "serve", *arguments],
        env=environment(folder, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Running(process)
        finally:
            process.kill()


def test_serving_says_ready_in_one_line(tmp_path: Path) -> None:
    """The first line of stdout is the whole ready event, and what it names answers at once."""
    with serving(tmp_path, BOOTSTRAP_API_KEY=CANARY_KEY) as server:
        assert set(server.ready) == {"event", "http_url", "media_port"}
        assert server.ready["event"] == "ready"
        assert server.ready["media_port"] > 0
        assert json.loads(server.ask("/healthz")) == {"status": "ok"}
        assert json.loads(server.ask("/readyz"))["status"] == "ready"
        assert json.loads(server.ask("/api/v1/sessions", key=CANARY_KEY))["items"] == []
        code, out, err = server.end()
    assert (code, out) == (0, "")
    assert "Traceback" not in err
    keys = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()}
    assert keys == {"join.pem": 0o600, "receipt.pem": 0o600}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_either_signal_stops_cleanly(tmp_path: Path, number: int) -> None:
    """SIGTERM and Ctrl+C end the server with exit code 0."""
    with serving(tmp_path) as server:
        assert server.ready
        assert server.end(number)[0] == 0


def test_second_signal_ends_a_drain(tmp_path: Path) -> None:
    """Whoever asks twice does not wait."""
    with serving(tmp_path, DRAIN_S="0") as server:
        assert server.ready
        server.process.send_signal(signal.SIGTERM)
        code, _, _ = server.end(signal.SIGTERM)
    assert code in {0, 128 + signal.SIGTERM}


def test_keys_and_sessions_outlive_the_process(tmp_path: Path) -> None:
    """A second start finds the same keys and the same data."""
    body = {"customer": {"name": "C"}, "technician": {"name": "T"}, "booked_minutes": 5}
    with serving(tmp_path, BOOTSTRAP_API_KEY=CANARY_KEY) as server:
        opened = json.loads(server.ask("/api/v1/sessions", body, CANARY_KEY))
        keys = server.ask("/.well-known/jwks.json")
        server.end()
    with serving(tmp_path, BOOTSTRAP_API_KEY=CANARY_KEY) as server:
        assert server.ask("/.well-known/jwks.json") == keys
        assert json.loads(server.ask(f"/api/v1/sessions/{opened['id']}", key=CANARY_KEY))["state"] == "open"


def test_no_secret_reaches_output_or_logs(tmp_path: Path) -> None:
    """API keys, link secrets, tokens and bodies appear in no line, whether asked well or badly."""
    body = {"customer": {"name": "Canary Person"}, "technician": {"name": "T"}, "booked_minutes": 5}
    with serving(
        tmp_path, BOOTSTRAP_API_KEY=CANARY_KEY, TURN_URLS="turn:t.example", TURN_SECRET="canary-turn"
    ) as server:
        opened = json.loads(server.ask("/api/v1/sessions", body, CANARY_KEY))
        secret = opened["customer_url"].split("#")[1]
        joined = json.loads(server.ask("/api/v1/join", {"secret": secret}))
        assert joined["config"]["ice_servers"][0]["urls"] == ["turn:t.example"]
        server.ask("/api/v1/join", {"secret": "canary-wrong-secret"})
        server.ask(f"/api/v1/sessions?api_key={CANARY_KEY}&token={joined['token']}", key=joined["token"])
        server.ask(f"/nope?secret={secret}")
        server.ask(f"/api/v1/sessions/{opened['id']}/receipt", key=joined["token"] + "x")
        endpoint = json.loads(
            server.ask("/api/v1/webhook-endpoints", {"url": "https://shop.example/canary-path"}, CANARY_KEY)
        )
        code, out, err = server.end()
    said = server.first_line + out + err
    assert code == 0
    assert "http_request" in err
    canaries = [
        CANARY_KEY,
        secret,
        joined["token"],
        endpoint["secret"],
        "canary",
        "Canary",
        opened["technician_url"],
    ]
    assert [canary for canary in canaries if canary in said] == []
    assert joined["config"]["ice_servers"][0]["credential"] not in said


def test_logs_are_json_when_nobody_watches(tmp_path: Path) -> None:
    """Without a terminal each line of stderr is one object with event and time."""
    with serving(tmp_path) as server:
        server.ask("/nope")
        _, _, err = server.end()
    for line in err.splitlines():
        assert {"event", "level", "timestamp"} <= set(json.loads(line))


def test_demo_says_what_to_try(tmp_path: Path) -> None:
    """After the ready line come the first screen, both links and an API key, and they work."""
    with serving(tmp_path, "--demo") as server:
        assert server.ready["event"] == "ready"
        opened = json.loads(server.ask("/api/v1/demo/sessions", {"with": "window"}))
        assert opened["customer_url"].startswith(server.ready["http_url"] + "/j#")
        _, out, _ = server.end()
    links = re.findall(rf"{re.escape(server.ready['http_url'])}/j#\S+", out)
    assert len(links) == 2
    assert f"{server.ready['http_url']}/\n" in out
    assert re.search(r"API key\s+ra_demo_\S+", out)


def test_busy_http_port_is_told_in_a_sentence(tmp_path: Path) -> None:
    """A port that somebody else has yields the fix, not a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("serve", folder=tmp_path, HTTP_PORT=str(port))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"Port {port} on 127.0.0.1 is in use by another program")
    assert f"REMOTE_ASSIST_HTTP_PORT={port + 1}" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_busy_media_port_is_told_in_a_sentence(tmp_path: Path) -> None:
    """The same for UDP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 0))
        port = taken.getsockname()[1]
        ended = run("serve", folder=tmp_path, MEDIA_PORT=str(port))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines()[-1].startswith(f"Port {port} on 0.0.0.0 is in use by another program")
    assert "Traceback" not in ended.stderr


def test_bad_settings_are_told_together(tmp_path: Path) -> None:
    """Every mistake has its line."""
    ended = run("serve", folder=tmp_path, HTTP_PORT="eighty", HTP_HOST="x", BOOTSTRAP_API_KEY=" canary ")
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 3
    assert "canary" not in ended.stderr


@pytest.mark.parametrize("url", ["nonsense", "foo://u:canary@h/x", "sqlite+aiosqlite:////nowhere/x.db"])
def test_bad_database_is_told_in_a_sentence(tmp_path: Path, url: str) -> None:
    """Without its URL, which may hold a password."""
    ended = run("serve", folder=tmp_path, DATABASE_URL=url)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "REMOTE_ASSIST_DATABASE_URL" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "canary" not in ended.stderr


def test_unusable_data_folder_is_told_in_a_sentence(tmp_path: Path) -> None:
    """A file where the folder should be."""
    (tmp_path / "file").write_text("")
    ended = run("serve", folder=tmp_path / "file")
    assert ended.returncode == 2
    assert "REMOTE_ASSIST_DATA_DIR" in ended.stderr


def test_a_data_folder_has_one_server(tmp_path: Path) -> None:
    """A second server on the same folder is refused; once the first has died, however, it starts."""
    with serving(tmp_path) as first:
        assert first.ready["event"] == "ready"
        second = run("serve", folder=tmp_path)
        first.process.kill()
    assert (second.returncode, second.stdout) == (2, "")
    assert second.stderr.splitlines()[-1].startswith(f"Another server works on the data folder {tmp_path}")
    assert "Traceback" not in second.stderr
    with serving(tmp_path) as third:
        assert third.ready["event"] == "ready"


def test_migrate_makes_the_tables(tmp_path: Path) -> None:
    """Those who want to migrate by hand can, as often as they like."""
    for _ in range(2):
        assert run("migrate", folder=tmp_path).returncode == 0
    assert (tmp_path / "remote-assist.db").exists()


def test_doctor_names_what_is_wrong(tmp_path: Path) -> None:
    """Each line is a tick, or a sentence how to mend it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("doctor", folder=tmp_path, HTTP_PORT=str(port))
    lines = ended.stdout.splitlines()
    assert ended.returncode == 1
    assert "✓ The settings make sense." in lines
    assert any(line.startswith(f"✗ The HTTP port {port}") and "HTTP_PORT" in line for line in lines)
    assert all(line[0] in "✓✗" for line in lines)
    bad = run("doctor", folder=tmp_path, HTTP_PORT="x")
    assert (bad.returncode, bad.stdout[0]) == (1, "✗")


LOG = """
{"seq":1,"at":1000,"type":"session_opened","terms":{"scheduled_start_ms":1000,"booked_ms":1800000,"free_ms":0,\
"min_executed_ms":5000,"tariff":{"kind":"metered","rate_minor_per_hour":6000,"currency":"CHF"}}}
{"seq":2,"at":1000,"type":"billing_started"}
{"seq":3,"at":61000,"type":"flow_observed","role":"customer","from_ms":1000,"to_ms":61000}
{"seq":4,"at":61000,"type":"flow_observed","role":"technician","from_ms":1000,"to_ms":61000}
{"seq":5,"at":61000,"type":"session_closed","reason":"api"}
"""


def test_replay_prints_a_line_per_log(tmp_path: Path) -> None:
    """In argument order, compact, nothing else on stdout; other kinds of output are for people."""
    (tmp_path / "a").write_text(LOG)
    (tmp_path / "b").write_text(LOG.replace("61000}", "31000}"))
    ended = run("replay", str(tmp_path / "a"), str(tmp_path / "b"), "--json", folder=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    first, second = (json.loads(line) for line in ended.stdout.splitlines())
    assert (first["billed_s"], second["billed_s"]) == (60, 30)
    assert ended.stdout.startswith('{"outcome":"completed","evidenced_ms":60000,')
    assert "completed" in run("replay", str(tmp_path / "a"), folder=tmp_path).stdout


def test_replay_until(tmp_path: Path) -> None:
    """An open log is evaluated at the given instant."""
    (tmp_path / "a").write_text("\n".join(LOG.splitlines()[:-1]))
    ended = run("replay", str(tmp_path / "a"), "--json", "--until", "31000", folder=tmp_path)
    assert json.loads(ended.stdout)["billed_s"] == 30


@pytest.mark.parametrize("content", ["not json\n", '{"seq":1}\n', ""])
def test_replay_of_nonsense_is_told_in_a_sentence(tmp_path: Path, content: str) -> None:
    """Exit code 2, nothing on stdout, the file named."""
    (tmp_path / "a").write_text(content)
    ended = run("replay", str(tmp_path / "a"), "--json", folder=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert str(tmp_path / "a") in ended.stderr
    assert "Traceback" not in ended.stderr
    assert run("replay", str(tmp_path / "missing"), folder=tmp_path).returncode == 2


def test_light_commands_stay_light() -> None:
    """Recomputing a bill loads no server."""
    code = (
        "import sys; from remote_assist.__main__ import main; "
        "assert main(['replay', '--json', '/dev/null']) == 2; "
        "print([name for name in ('aiohttp', 'sqlalchemy', 'aiortc', 'socketio') if name in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=LIMIT_S
    )
    assert ended.stdout.strip() == "[]"


def test_verify_receipt(tmp_path: Path) -> None:
    """A signed receipt verifies with the public keys alone; one changed character does not."""
    signer = TokenSigner(
        load_key_pem(generate_key_pem()), load_key_pem(generate_key_pem()), "https://a.example"
    )
    token = signer.sign_receipt({"session_id": "s", "total_minor": 4000})
    (tmp_path / "jwks").write_text(json.dumps(signer.jwks()))
    (tmp_path / "good").write_text(token + "\n")
    head, body, signature = token.split(".")
    changed = ("A" if body[10] != "A" else "B").join((body[:10], body[11:]))
    (tmp_path / "bad").write_text(f"{head}.{changed}.{signature}")
    good = run("verify-receipt", str(tmp_path / "good"), "--jwks", str(tmp_path / "jwks"), folder=tmp_path)
    bad = run("verify-receipt", str(tmp_path / "bad"), "--jwks", str(tmp_path / "jwks"), folder=tmp_path)
    assert (good.returncode, good.stdout.splitlines()[0][:5]) == (0, "VALID")
    assert '"total_minor": 4000' in good.stdout
    assert (bad.returncode, bad.stdout[:9]) == (1, "NOT VALID")


@pytest.mark.parametrize("which", ["openapi", "asyncapi", "events"])
def test_schema_prints_json(tmp_path: Path, which: str) -> None:
    """The documents are printed without a server."""
    assert json.loads(run("schema", which, folder=tmp_path).stdout)


def test_robot_wants_a_link(tmp_path: Path) -> None:
    """Without a fragment there is nothing to join."""
    ended = run("demo-peer", "-", folder=tmp_path, given="http://127.0.0.1:1/j\n")
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
