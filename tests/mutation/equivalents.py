"""Mutants that no check can find, because what they change makes no difference. Each with its reason.

The gate fails when a mutant survives that is not listed, and when one is listed that no longer survives.
"""

from typing import Final

EQUIVALENTS: Final[dict[str, str]] = {
    "billable.measure: 0 | 1": "max(1, ms) // 1000 is 0 for everything for which max(0, ms) // 1000 is.",
    "intervals.IntervalSet.intervals: True | False": "The two lists always have one length.",
    'intervals.IntervalSet: __slots__ = ("_from", "_to") | left out': "Slots save memory, nothing else.",
    "intervals.intersect: left_to < right_to | LtE": (
        "Where both end together, the one not passed now meets nothing more, and is passed next."
    ),
    "intervals.subtract: not kept or not removed | without part 2": "A shortcut: nothing removed leaves all.",
    "sheet.TimeSheet._reach: instant_ms > self._latest_ms | GtE": "The latest instant is set to itself.",
    "sheet.TimeSheet._grant: _rank(grant) > _rank(kept) | GtE": "Grants of one id and equal rank are equal.",
}
