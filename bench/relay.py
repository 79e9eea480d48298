"""Server CPU per forwarded packet and added latency, ours and Janus beside it in the same run.

What is measured: rtcload sends a realistic call both ways (sound 50 packets/s, picture 160 packets/s in
bursts) through the server, which runs alone on one core; the generator runs on the other. CPU is the
server's run time by the scheduler's own count, latency is one way from send to kernel receive stamp.

rtcload is a tool of its own (a C library, built here in bench/build). Where it, a compiler or Janus is
missing, a line says so and what can be measured is.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
BUILD: Final = HERE / "build" / "rtcload"
DEFAULT_RTCLOAD: Final = HERE.parent.parent / "shared" / "rtcload"
CALLS: Final = "1,10,25"
KEPT: Final = {
    "calls": "calls",
    "pps": "packets_per_s",
    "cpu_us_sched": "cpu_us_per_packet",
    "core": "share_of_a_core",
    "loss": "loss_percent",
    "p50": "latency_p50_us",
    "p99": "latency_p99_us",
    "lag_p99": "generator_lag_p99_us",
}
"""What is printed of rtcload's results, under names that say what they are. Where the generator itself
lags by milliseconds, other work had its core, and the latency of that line is not the server's."""


def main() -> None:
    """Print one line of JSON per server and number of calls."""
    parser = argparse.ArgumentParser(prog="python -m bench.relay", description=__doc__)
    parser.add_argument("--rtcload", type=Path, default=DEFAULT_RTCLOAD, help="folder of rtcload's sources")
    parser.add_argument("--calls", default=CALLS, help="numbers of calls, separated by commas")
    parser.add_argument("--window", type=float, default=8.0, help="seconds measured each")
    options = parser.parse_args()
    missing = prepare(options.rtcload)
    if missing:
        print(json.dumps({"bench": "relay", "skipped": missing}))
        return
    servers = {"ours": "remote_assist", **({"janus": "janus"} if shutil.which("janus") else {})}
    for calls in options.calls.split(","):
        for name, adapter in servers.items():
            for line in measured(adapter, calls, options.window):
                print(json.dumps({"bench": "relay", "server": name, **line}), flush=True)
    if "janus" not in servers:
        print(json.dumps({"bench": "relay", "server": "janus", "skipped": "janus is not installed"}))


def prepare(sources: Path) -> str:
    """Build rtcload beside this file, with our adapter among its own. Return what is missing, or nothing."""
    if not (sources / "rtcload.py").exists():
        return f"no rtcload at {sources}; name its folder with --rtcload"
    if not shutil.which("gcc") or not shutil.which("make"):
        return "no C compiler (apt: gcc make libsrtp2-dev libssl-dev)"
    shutil.rmtree(BUILD, ignore_errors=True)
    shutil.copytree(sources, BUILD, copy_function=shutil.copyfile)
    for folder in (BUILD, *(path for path in BUILD.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    shutil.copyfile(HERE / "rtcload_adapter.py", BUILD / "adapters" / "remote_assist_adapter.py")
    built = subprocess.run(["make", "-s", "-C", str(BUILD)], capture_output=True, text=True, check=False)
    return f"rtcload does not build: {built.stderr[-300:]}" if built.returncode else ""


def measured(adapter: str, calls: str, window_s: float) -> Iterator[dict[str, Any]]:
    """Run rtcload once and yield its results."""
    module = "remote_assist_adapter" if adapter == "remote_assist" else adapter
    out = BUILD / "out.jsonl"
    out.unlink(missing_ok=True)
    done = subprocess.run(
        [
            *(sys.executable, "rtcload.py", "--adapter", module, "--calls", calls, "--srtp", "gcm"),
            *("--window", str(window_s), "--out", out.name),
        ],
        cwd=BUILD,
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
        stdout=sys.stderr,
        check=False,
    )
    if done.returncode or not out.exists():
        yield {"calls": int(calls), "skipped": f"rtcload ended with {done.returncode}"}
        return
    for line in out.read_text().splitlines():
        result = json.loads(line)
        yield {name: result[key] for key, name in KEPT.items()}


if __name__ == "__main__":
    main()
