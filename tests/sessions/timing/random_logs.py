"""Random logs, hostile on purpose: edges that touch and coincide, duplicates, orders that make no sense."""

import os
import random
from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]
ROLES = ("customer", "technician")


@dataclass(frozen=True, slots=True)
class RandomLog:
    """Records in random order, whose instants all lie on a grid."""

    records: list[Record]
    until_ms: int | None
    unit_ms: int


def seed() -> int:
    """Return the seed of this run, from ``SEED`` if it is set; printed, so that a failure can be replayed."""
    chosen = int(os.environ.get("SEED") or random.SystemRandom().randrange(2**32))
    print(f"SEED={chosen}")  # noqa: T201 - pytest shows it with the failure
    return chosen


def random_log(rng: random.Random) -> RandomLog:
    """Return a log that a correct reader must accept."""
    return _Builder(rng).build()


class _Builder:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.unit = rng.choice((1, 1, 7, 250, 1000))
        self.cells = rng.choice((12, 30, 60, 120))
        self.base = rng.choice((0, 1_700_000_000_000)) // self.unit * self.unit
        # Few distinct instants, so that edges coincide.
        self.instants = [
            self.base + rng.randint(0, self.cells) * self.unit for _ in range(rng.randint(4, 24))
        ]

    def build(self) -> RandomLog:
        rng = self.rng
        records = [self.opened()]
        for role in ROLES:
            records += self.evidence(role)
            records += [
                self.interval("presence_observed", role=role) for _ in range(rng.choice((0, 1, 1, 3)))
            ]
        records += [self.interval("fault_recorded", cause="move") for _ in range(rng.choice((0, 0, 0, 1, 3)))]
        if rng.random() < 0.95:
            records += [self.event("billing_started") for _ in range(rng.choice((1, 1, 2)))]
            records[-1]["at"] = rng.choice((records[-1]["at"], self.base))
        records += self.pauses() + self.extensions() + self.noise()
        records += [
            self.event("session_closed", reason="api", late=True) for _ in range(rng.choice((0, 1, 1, 2)))
        ]
        records += rng.choices(records[1:], k=rng.choice((0, 0, 3)))
        rng.shuffle(records)
        records = [{"seq": rng.randint(1, 99), **record} for record in records]
        until = self.at() if rng.random() < 0.3 else None
        return RandomLog(records, until, self.unit)

    def at(self) -> int:
        return self.rng.choice(self.instants)

    def event(self, kind: str, *, late: bool = False, **fields: Any) -> Record:
        at = max(self.at(), self.at(), self.at()) if late else self.at()
        return {"at": at, "type": kind, **fields}

    def interval(self, kind: str, **fields: Any) -> Record:
        from_ms, to_ms = self.at(), self.at()
        if from_ms > to_ms and self.rng.random() < 0.9:
            from_ms, to_ms = to_ms, from_ms
        return self.event(kind, **fields, from_ms=from_ms, to_ms=to_ms)

    def evidence(self, role: str) -> list[Record]:
        """Return long evidence with short holes, or a few scattered pieces."""
        rng = self.rng
        if rng.random() < 0.3:
            return [self.interval("flow_observed", role=role) for _ in range(rng.randint(0, 6))]
        pieces, cursor = [], rng.choice((0, 0, rng.randint(0, self.cells)))
        while cursor < self.cells:
            end = cursor + rng.randint(1, max(2, self.cells // 3))
            from_ms, to_ms = self.base + cursor * self.unit, self.base + end * self.unit
            pieces.append(self.event("flow_observed", role=role, from_ms=from_ms, to_ms=to_ms))
            cursor = end + rng.choice((-2, 0, 0, 1, 1, 2, 3, 5))
        return pieces

    def pauses(self) -> list[Record]:
        kinds = self.rng.choices(("paused", "resumed"), k=self.rng.choice((0, 0, 1, 2, 4)))
        return [self.event(kind, pause_id=self.rng.choice("pq")) for kind in kinds]

    def extensions(self) -> list[Record]:
        rng = self.rng
        return [
            self.event(
                "extension_accepted",
                extension_id=rng.choice("xyz"),
                extra_ms=rng.randint(-2, self.cells // 3) * self.unit + rng.choice((0, 0, 1)),
                price_minor=rng.choice((0, 900, 2500)),
            )
            for _ in range(rng.choice((0, 0, 1, 2, 4)))
        ]

    def noise(self) -> list[Record]:
        return [
            self.event(
                "participant_joined", role=self.rng.choice(ROLES), participant_id="p", connection_id="c"
            ),
            self.event(
                "participant_left", role=self.rng.choice(ROLES), participant_id="p", connection_id="c"
            ),
            {"at": self.base + 10**9, "type": "moon_phase_observed", "from_ms": 1},
            {**self.interval("flow_observed", role="observer"), "at": self.base + 10**9},
        ][: self.rng.randint(0, 4)]

    def opened(self) -> Record:
        rng, unit, cells = self.rng, self.unit, self.cells
        terms: Record = {
            "scheduled_start_ms": self.base + rng.choice((-1, 0, 0, 1, cells // 4, cells)) * unit,
            "booked_ms": rng.choice((0, 1, cells // 4, cells // 2, cells, 9 * cells)) * unit,
            "bridge_ms": rng.choice((0, 1, 1, 2, 3, 8)) * unit + rng.choice((-1, 0, 0, 1)),
            "bridge_pct": rng.choice((0, 5, 5, 20, 100, 300)),
            "free_ms": rng.choice((0, 0, 1, 3, cells // 4)) * unit,
            "wait_ms": rng.choice((1, 2, cells // 4, cells // 2)) * unit + rng.choice((-1, 0, 0, 1)),
            "min_executed_ms": rng.choice((0, 1, 3, cells // 4, cells)) * unit,
            "no_show_fee_minor": rng.choice((0, 1, 1500)),
            "tariff": rng.choice(
                (
                    {"kind": "fixed", "price_minor": 4000, "currency": "CHF"},
                    {"kind": "fixed", "price_minor": 0, "currency": "GBP"},
                    {"kind": "metered", "rate_minor_per_hour": 719_999, "currency": "EUR"},
                    {
                        "kind": "metered",
                        "rate_minor_per_hour": 6000,
                        "minimum_minor": rng.choice((0, 1, 50)),
                        "currency": "EUR",
                    },
                )
            ),
        }
        terms["bridge_ms"] = max(0, terms["bridge_ms"])
        terms |= {"early_ms": rng.randint(0, cells // 4) * unit} if rng.random() < 0.3 else {}
        terms |= {"late_cancellation_fee_minor": 700} if rng.random() < 0.3 else {}
        return self.event("session_opened", terms=terms)
