"""The command line. Each command imports what it needs when it runs, so that none pays for another."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from remote_assist import __version__

EXIT_OK: Final = 0
EXIT_NO: Final = 1
EXIT_USAGE: Final = 2
FILE_MAX_BYTES: Final = 512 * 1024 * 1024


class _Trouble(Exception):
    """Something the person at the keyboard can mend."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    chosen = _parser().parse_args(arguments)
    try:
        code: int = chosen.run(chosen)
    except _Trouble as trouble:
        sys.stderr.write(f"{trouble}\n")
        return EXIT_USAGE
    except BrokenPipeError:
        # Whoever read our output has enough, as in `replay ... | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="remote-assist", description="Help by live video, timed to the second."
    )
    parser.add_argument("--version", action="version", version=f"remote-assist {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="run the server")
    serve.add_argument("--demo", action="store_true", help="with a demo partner, links and robots to try")
    serve.add_argument("--lan", action="store_true", help="also HTTPS on the local network, for a phone")
    serve.set_defaults(run=_serve)

    migrate = commands.add_parser("migrate", help="bring the database to this version's tables")
    migrate.set_defaults(run=_migrate)

    doctor = commands.add_parser("doctor", help="check that a server could run here")
    doctor.set_defaults(run=_doctor)

    replay = commands.add_parser("replay", help="recompute what logs come to")
    replay.add_argument("logs", nargs="+", type=Path, metavar="LOG", help="one event a line, as JSON")
    replay.add_argument("--json", action="store_true", help="one compact object per log, a line each")
    replay.add_argument("--until", type=int, metavar="MS", help="evaluate at this instant (UTC milliseconds)")
    replay.set_defaults(run=_replay)

    verify = commands.add_parser("verify-receipt", help="check a receipt's signature and show it")
    verify.add_argument("file", type=Path, metavar="FILE", help="the receipt, a compact JWS")
    verify.add_argument("--jwks", type=Path, required=True, metavar="FILE", help="/.well-known/jwks.json")
    verify.set_defaults(run=_verify_receipt)

    robot = commands.add_parser("demo-peer", help="let a robot take part in a session")
    robot.add_argument("url", metavar="URL", help="a participant's link; - reads it from standard input")
    robot.set_defaults(run=_demo_peer)

    schema = commands.add_parser("schema", help="print a document of the interfaces, as JSON")
    schema.add_argument("which", choices=["openapi", "asyncapi", "events"])
    schema.set_defaults(run=_schema)
    return parser


def _serve(chosen: argparse.Namespace) -> int:
    settings = _settings()
    from remote_assist import app, ground

    try:
        return app.serve(settings, is_demo=chosen.demo, is_lan=chosen.lan)
    except ground.StartError as error:
        raise _Trouble(str(error)) from None


def _migrate(_chosen: argparse.Namespace) -> int:
    settings = _settings()
    from remote_assist import app, ground

    try:
        app.migrate(settings)
    except ground.StartError as error:
        raise _Trouble(str(error)) from None
    sys.stdout.write("The database has this version's tables.\n")
    return EXIT_OK


def _doctor(_chosen: argparse.Namespace) -> int:
    from remote_assist import doctor

    findings = doctor.examine(os.environ)
    for finding in findings:
        sys.stdout.write(f"{'✓' if finding.is_fine else '✗'} {finding.text}\n")
    return EXIT_OK if all(finding.is_fine for finding in findings) else EXIT_NO


def _replay(chosen: argparse.Namespace) -> int:
    from remote_assist.errors import ProtocolViolation
    from remote_assist.sessions import replay

    for path in chosen.logs:
        with _opened(path) as file:
            try:
                result = replay.replay(file, chosen.until)
            except ProtocolViolation as violation:
                raise _Trouble(f"{path}: {violation.detail}") from None
        if chosen.json:
            sys.stdout.write(json.dumps(result, separators=(",", ":")) + "\n")
        else:
            sys.stdout.write(_readable(path, result))
    return EXIT_OK


def _readable(path: Path, result: dict[str, Any]) -> str:
    lines = [f"{path}: {result['outcome']}"]
    lines += [f"  {name:<14}{value}" for name, value in result.items() if isinstance(value, int)]
    lines += [
        f"  {charge['reason']:<24}{charge['amount_minor'] / 100:>10.2f} {result['currency']}"
        for charge in result["charges"]
    ]
    return "\n".join(lines) + "\n"


def _verify_receipt(chosen: argparse.Namespace) -> int:
    from remote_assist.errors import ProtocolViolation
    from remote_assist.tokens import verify_receipt_untrusted

    receipt = _text(chosen.file).strip()
    try:
        keys = json.loads(_text(chosen.jwks))
    except (ValueError, RecursionError):
        raise _Trouble(
            f"{chosen.jwks} is no JSON; it should be the content of /.well-known/jwks.json."
        ) from None
    try:
        claims = verify_receipt_untrusted(receipt, keys)
    except ProtocolViolation as violation:
        sys.stdout.write(f"NOT VALID: {violation.detail}\n")
        return EXIT_NO
    sys.stdout.write(f"VALID: signed by a key in {chosen.jwks}\n")
    sys.stdout.write(json.dumps(claims, indent=2, ensure_ascii=False) + "\n")
    return EXIT_OK


def _demo_peer(chosen: argparse.Namespace) -> int:
    url = sys.stdin.readline().strip() if chosen.url == "-" else chosen.url
    if "#" not in url:
        raise _Trouble("The link of a participant is needed, with its # and what follows.")
    from remote_assist import robot

    return robot.main(url)


def _schema(chosen: argparse.Namespace) -> int:
    document: Any
    if chosen.which == "openapi":
        from remote_assist.api import server

        document = server.document()
    else:
        from remote_assist import app

        document = app.protocol_document(chosen.which)
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return EXIT_OK


def _settings() -> Any:
    from remote_assist.settings import SettingsError, read

    try:
        return read(os.environ)
    except SettingsError as error:
        raise _Trouble("\n".join(error.problems)) from None


def _opened(path: Path) -> Any:
    try:
        return path.open("rb")
    except OSError as error:
        raise _Trouble(f"{path} cannot be read: {error.strerror}.") from None


def _text(path: Path) -> str:
    with _opened(path) as file:
        content: bytes = file.read(FILE_MAX_BYTES)
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise _Trouble(f"{path} is no text.") from None


if __name__ == "__main__":
    sys.exit(main())
