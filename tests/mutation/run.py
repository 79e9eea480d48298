"""Run every mutant of the audited functions in a fork of its own; the first wrong number ends it.

``python -m tests.mutation.run`` from the root prints what survives and exits with 1 if that is not exactly
the list in equivalents.py. Deterministic; about half a minute on one core.
"""

import ast
import gc
import importlib
import os
import resource
import signal
import sys
import types
from pathlib import Path
from typing import Final

from tests.mutation.check import Case, breaks, prepare
from tests.mutation.equivalents import EQUIVALENTS
from tests.mutation.mutants import Mutant, mutants

ROOT: Final = Path(__file__).parents[2]
AUDITED: Final = (
    "remote_assist.sessions.timing.intervals",
    "remote_assist.sessions.timing.sheet",
    "remote_assist.sessions.timing.billable",
    "remote_assist.sessions.timing.outcome",
    "remote_assist.sessions.billing.tariff",
)
READERS: Final = ("remote_assist.sessions.timing.explain", "remote_assist.sessions.assessment")
"""What must be imported again to see a mutant."""
CPU_LIMIT: Final = 4
"""A mutant may loop for ever: it gets this many times the processor time that the healthy code needs."""
MEMORY_LIMIT: Final = 2**31
UNCHANGED: Final = Mutant("unchanged", lambda: None)
SURVIVED, KILLED, NO_MUTANT = 0, 1, 2


def main() -> int:
    """Return 0 if exactly the known equivalents survive."""
    cases = prepare()
    _forget()
    before_s = os.times().user
    if breaks(cases):
        print("the healthy code fails the check")  # noqa: T201 - a command line
        return 1
    limit_s = CPU_LIMIT * max(0.1, os.times().user - before_s)
    _forget()
    gc.freeze()  # a fork then copies next to nothing
    survivors: set[str] = set()
    count = 0
    for module in AUDITED:
        source = (ROOT / f"{module.replace('.', '/')}.py").read_text()
        tree, found = mutants(module.rpartition(".")[2], source)
        count += len(found)
        assert not _is_killed(module, tree, UNCHANGED, cases, limit_s), "the runner itself breaks the code"
        survivors |= {mutant.name for mutant in found if not _is_killed(module, tree, mutant, cases, limit_s)}
    unknown, stale = sorted(survivors - EQUIVALENTS.keys()), sorted(EQUIVALENTS.keys() - survivors)
    for name in unknown:
        print(f"survived: {name}")  # noqa: T201 - same
    for name in stale:
        print(f"listed as equivalent, but killed or gone: {name}")  # noqa: T201 - same
    print(f"{count} mutants, {count - len(survivors)} killed, {len(EQUIVALENTS)} known equivalents")  # noqa: T201
    return int(bool(unknown or stale))


def _is_killed(module: str, tree: ast.Module, mutant: Mutant, cases: list[Case], limit_s: float) -> bool:
    """Check one mutant in a fork, so that nothing of it is left."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        ending = KILLED
        try:
            ending = _ending(module, tree, mutant, cases, limit_s)
        finally:
            os._exit(ending)
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == NO_MUTANT:
        raise SystemExit(f"this is no program: {mutant.name}")
    return status != SURVIVED


def _ending(module: str, tree: ast.Module, mutant: Mutant, cases: list[Case], limit_s: float) -> int:
    mutant.apply()
    try:
        code = compile(ast.fix_missing_locations(tree), module, "exec")
    except (SyntaxError, TypeError, ValueError):
        return NO_MUTANT
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    signal.setitimer(signal.ITIMER_VIRTUAL, limit_s)  # ends the process when it runs out
    package, _, name = module.rpartition(".")
    mutated = types.ModuleType(module)
    mutated.__package__ = package
    sys.modules[module] = mutated
    try:
        exec(code, mutated.__dict__)
    except Exception:  # noqa: BLE001 - a mutant that cannot even be imported is found
        return KILLED
    setattr(importlib.import_module(package), name, mutated)
    return KILLED if breaks(cases) else SURVIVED


def _forget() -> None:
    """Make the next import of the audited modules a fresh one."""
    for name in (*AUDITED, *READERS):
        sys.modules.pop(name, None)


if __name__ == "__main__":
    sys.exit(main())
