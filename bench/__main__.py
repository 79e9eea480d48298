"""Run every bench in a process of its own: ``python -m bench [NAME...]``.

Each bench is a module beside this file that prints lines of JSON, one result a line, and exits with 0.
The lines are printed and kept in bench/out/NAME.jsonl; what a bench says otherwise goes to stderr.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
OUT: Final = HERE / "out"
BENCHES: Final = ("settlement", "sessions", "join", "lobby", "relay")
"""In this order, the quick ones first. Other modules here are parts of these."""
LIMIT_S: Final = 1_800


def main(names: list[str]) -> int:
    """Run the named benches, or all, and return 1 when one of them broke or missed its goal."""
    unknown = set(names) - set(BENCHES)
    if unknown:
        sys.stderr.write(f"no such bench: {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}\n")
        return 2
    OUT.mkdir(exist_ok=True)
    return max([run(name) for name in names or BENCHES], default=0)


def run(name: str) -> int:
    """Run one bench, keep its lines, and judge them by their own ``met``."""
    sys.stderr.write(f"==> {name}\n")
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{name}"],
        stdout=subprocess.PIPE,
        text=True,
        timeout=LIMIT_S,
        check=False,
        cwd=HERE.parent,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    for line in lines:
        print(line)
    (OUT / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines))
    missed = [line for line in lines if json.loads(line).get("met") is False]
    return int(done.returncode != 0 or not lines or bool(missed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
