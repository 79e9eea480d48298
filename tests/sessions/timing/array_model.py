"""An independent oracle for the bill: one array cell per unit of time, and no cleverness.

Written from docs/billing.md, not from the code, and imports nothing of it: a log comes in as decoded JSON
records. Every instant of the log must lie on the grid of ``unit_ms``; durations in the terms need not.
"""

from typing import Any

Record = dict[str, Any]

DEFAULTS = {
    "early_ms": 0,
    "bridge_ms": 2000,
    "bridge_pct": 5,
    "free_ms": 60000,
    "wait_ms": 600000,
    "min_executed_ms": 120000,
    "no_show_fee_minor": 0,
    "late_cancellation_fee_minor": 0,
}
WITH_INTERVAL = {"presence_observed", "flow_observed", "fault_recorded"}
WITH_ROLE = {"participant_joined", "participant_left", "presence_observed", "flow_observed"}
KNOWN = {
    "session_opened",
    "billing_started",
    "paused",
    "resumed",
    "extension_accepted",
    "session_closed",
    *WITH_INTERVAL,
    *WITH_ROLE,
}


class Model:
    """The arrays of one log."""

    def __init__(self, records: list[Record], until_ms: int | None, unit_ms: int) -> None:
        self.records = [
            r
            for r in records
            if r["type"] in KNOWN and (r["type"] not in WITH_ROLE or r["role"] in {"customer", "technician"})
        ]
        instants = [r["at"] for r in self.records]
        for r in self.records:
            if r["type"] in WITH_INTERVAL and r["from_ms"] < r["to_ms"]:
                instants += [r["from_ms"], r["to_ms"]]
        self.until = max(instants) if until_ms is None else until_ms
        self.unit = unit_ms
        self.first: int = min(instants)
        self.cells = (max(*instants, self.until) - self.first) // unit_ms + 1
        opened = min(self.of("session_opened"), key=lambda r: r["at"])
        self.terms = {**DEFAULTS, **opened["terms"]}
        closes = [r["at"] for r in self.of("session_closed")]
        self.closed = bool(closes)
        self.t1: int = min(closes) if closes else self.until

    def of(self, kind: str) -> list[Record]:
        return [r for r in self.records if r["type"] == kind]

    def now(self, cell: int) -> int:
        return self.first + cell * self.unit

    def paint(self, array: bytearray, from_ms: int, to_ms: int) -> None:
        for cell in range((from_ms - self.first) // self.unit, (to_ms - self.first) // self.unit):
            if 0 <= cell < self.cells:
                array[cell] = 1

    def observed(self, kind: str, role: str | None = None) -> bytearray:
        array = bytearray(self.cells)
        for r in self.of(kind):
            if role is None or r["role"] == role:
                self.paint(array, r["from_ms"], r["to_ms"])
        return array

    def window(self) -> bytearray:
        array = bytearray(self.cells)
        starts = [r["at"] for r in self.of("billing_started")]
        if starts:
            t0 = max(min(starts), self.terms["scheduled_start_ms"] - self.terms["early_ms"])
            for cell in range(self.cells):
                array[cell] = t0 <= self.now(cell) < self.t1
        return array

    def pauses(self) -> bytearray:
        array = bytearray(self.cells)
        for pause_id in {r["pause_id"] for r in self.of("paused")}:
            start = min(r["at"] for r in self.of("paused") if r["pause_id"] == pause_id)
            ends = [r["at"] for r in self.of("resumed") if r["pause_id"] == pause_id and r["at"] >= start]
            self.paint(array, start, max(ends) if ends else self.t1)
        return array

    def extensions(self) -> list[Record]:
        """One event for each id, its amount never below 0, in order of consent."""
        grants = []
        for extension_id in sorted({r["extension_id"] for r in self.of("extension_accepted")}):
            same = [r for r in self.of("extension_accepted") if r["extension_id"] == extension_id]
            latest = max(r["at"] for r in same)
            same = [{**r, "extra_ms": max(0, r["extra_ms"])} for r in same if r["at"] == latest]
            grants.append(min(same, key=lambda r: (r["extra_ms"], r["price_minor"])))
        return sorted(grants, key=lambda r: r["at"])

    def allowed(self, at: int) -> int:
        amounts = [r["extra_ms"] for r in self.extensions() if r["at"] <= at]
        return int(self.terms["booked_ms"] + sum(amounts))


def bill(records: list[Record], until_ms: int | None = None, unit_ms: int = 1) -> Record:
    """Return what ``replay`` must print for these records."""
    model = Model(records, until_ms, unit_ms)
    terms, cells, unit = model.terms, range(model.cells), model.unit
    customer, technician = (model.observed("flow_observed", role) for role in ("customer", "technician"))
    window, paused, fault = model.window(), model.pauses(), model.observed("fault_recorded")
    both = bytearray(customer[i] & technician[i] & window[i] for i in cells)
    evidence = bytearray(both[i] and not paused[i] and not fault[i] for i in cells)
    counted = _fill(evidence, terms["bridge_ms"], unit)
    for i in cells:
        counted[i] = counted[i] and not paused[i] and not fault[i]
    evidenced = sum(evidence) * unit
    bridge = min((sum(counted) - sum(evidence)) * unit, evidenced * terms["bridge_pct"] // 100)
    served = 0
    changes = sorted({r["at"] for r in model.extensions()})
    allowed = {at: model.allowed(at) for at in changes}
    limit = terms["booked_ms"]
    for i in cells:
        while changes and changes[0] <= model.now(i):
            limit = allowed[changes.pop(0)]
        if counted[i]:
            served += min(unit, limit - served)
    total = min(served, evidenced + bridge)
    outcome = _outcome(model, evidenced, customer, technician)
    billed_s = max(0, total - terms["free_ms"]) // 1000 if outcome == "completed" else 0
    charges = _charges(model, outcome, billed_s, served)
    return {
        "outcome": outcome,
        "evidenced_ms": evidenced,
        "bridged_ms": bridge,
        "paused_ms": sum(both[i] & paused[i] for i in cells) * unit,
        "fault_ms": sum(both[i] and fault[i] and not paused[i] for i in cells) * unit,
        "served_ms": served,
        "total_ms": total,
        "billed_s": billed_s,
        "intervals": _runs(counted, model),
        "charges": charges,
        "total_minor": sum(charge["amount_minor"] for charge in charges),
        "currency": terms["tariff"]["currency"],
    }


def _fill(array: bytearray, gap_ms: int, unit_ms: int) -> bytearray:
    """Fill zeros between two ones where they last at most ``gap_ms``."""
    filled = bytearray(array)
    last_one = None
    for i, cell in enumerate(array):
        if cell:
            if last_one is not None and (i - last_one - 1) * unit_ms <= gap_ms:
                for gap in range(last_one + 1, i):
                    filled[gap] = 1
            last_one = i
    return filled


def _runs(array: bytearray, model: Model) -> list[list[int]]:
    runs: list[list[int]] = []
    for i, cell in enumerate(array):
        if cell and i and array[i - 1]:
            runs[-1][1] = model.now(i + 1)
        elif cell:
            runs.append([model.now(i), model.now(i + 1)])
    return runs


def _outcome(model: Model, evidenced: int, customer: bytearray, technician: bytearray) -> str:
    terms = model.terms
    if evidenced >= terms["min_executed_ms"]:
        return "completed"
    start, wait = terms["scheduled_start_ms"], terms["wait_ms"]
    if not model.closed and model.until < start + wait:
        return "pending"
    present = {}
    for role, flow in (("customer", customer), ("technician", technician)):
        seen = model.observed("presence_observed", role)
        present[role] = 0
        for i in range(model.cells):
            at = model.now(i)
            if start <= at < start + wait and at < model.t1 and (seen[i] or flow[i]):
                # The last cell of the waiting window may be cut by it.
                present[role] += min(model.unit, start + wait - at)
    if present["customer"] == 0 and present["technician"] >= wait * 8 // 10:
        return "customer_no_show"
    if present["technician"] == 0 and present["customer"] >= wait * 8 // 10:
        return "technician_no_show"
    if not model.closed:
        return "pending"
    return "nobody_came" if sum(present.values()) == 0 else "not_executed"


def _charges(model: Model, outcome: str, billed_s: int, served: int) -> list[Record]:
    terms, lines = model.terms, []
    tariff = terms["tariff"]
    if outcome == "completed" and tariff["kind"] == "fixed":
        lines.append({"reason": "package", "amount_minor": tariff["price_minor"]})
        for r in model.extensions():
            earlier = sum(other["extra_ms"] for other in model.extensions() if other["at"] < r["at"])
            if served > terms["booked_ms"] + earlier:
                lines.append({"reason": "extension:" + r["extension_id"], "amount_minor": r["price_minor"]})
    elif outcome == "completed":
        amount = billed_s * tariff["rate_minor_per_hour"] // 3600
        lines.append({"reason": "metered_time", "amount_minor": amount})
        if amount < tariff.get("minimum_minor", 0):
            lines.append({"reason": "minimum", "amount_minor": tariff["minimum_minor"] - amount})
    elif outcome == "customer_no_show" and terms["no_show_fee_minor"]:
        lines.append({"reason": "no_show_fee", "amount_minor": terms["no_show_fee_minor"]})
    return lines
