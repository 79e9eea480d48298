"""What can be measured of a page's accessibility: axe, width, size of targets, and where the focus goes."""

import json
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Page

AXE: Final = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
TARGET_PX: Final = 44

_TOO_WIDE: Final = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll('*')]
    .filter((e) => e.getBoundingClientRect().right > innerWidth).map((e) => e.outerHTML.slice(0, 120))"""
_TOO_SMALL: Final = """(least) => [...document.querySelectorAll('button, select, input, summary, .button')]
  .filter((e) => e.checkVisibility({ visibilityProperty: true }) && e.type !== 'file')
  .filter((e) => !e.closest('.hidden-text'))
  .map((e) => {
    // A label enlarges the target of what it names.
    const boxes = [e, e.closest('label')].filter(Boolean).map((part) => part.getBoundingClientRect());
    const size = (side) => Math.max(...boxes.map((box) => box[side]));
    return [e.outerHTML.slice(0, 120), Math.round(size('width')), Math.round(size('height'))];
  })
  .filter(([, width, height]) => width < least - 0.5 || height < least - 0.5)"""
_FOCUS: Final = """(isFirst) => {
  const e = document.activeElement;
  if (!e || e === document.body) return 'outside';
  if (isFirst) window.visited = new Set();
  if (window.visited.has(e)) return null;
  window.visited.add(e);
  const label = e.closest('label') ?? e, box = e.getBoundingClientRect();
  const isMarked = [e, label].map((part) => getComputedStyle(part))
    .some((style) => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2);
  const at = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  const isUncovered = !!at && (label.contains(at) || at.contains(e));
  return { name: e.dataset.testid ?? e.tagName.toLowerCase(), isMarked, isUncovered };
}"""


async def assert_accessible(page: Page, name: str) -> None:
    """Fail on a fault that axe finds by the rules of WCAG 2.2 AA."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text())
    found = await page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    faults = [
        {"id": fault["id"], "where": [node["html"][:200] for node in fault["nodes"]]}
        for fault in found["violations"]
    ]
    assert not faults, f"{name}: {json.dumps(faults, indent=1)}"


async def assert_fits(page: Page, name: str) -> None:
    """Fail when the page scrolls sideways. Source: WCAG 2.2, 1.4.10 Reflow."""
    assert await page.evaluate(_TOO_WIDE) == [], f"{name} is wider than the screen"


async def assert_targets(page: Page, name: str) -> None:
    """Fail when a finger has less than 44 pixels to hit."""
    assert await page.evaluate(_TOO_SMALL, TARGET_PX) == [], f"{name} has targets that are too small"


async def tab_stops(page: Page, most: int = 60) -> list[str]:
    """Walk by keyboard until the focus comes round, and name what it stood on.

    Each stop must show where the focus is, and nothing may lie over it. Source: WCAG 2.2, 2.4.7 and 2.4.11.
    """
    stops: list[str] = []
    for _ in range(most):
        await page.keyboard.press("Tab")
        at: dict[str, Any] | str | None = await page.evaluate(_FOCUS, not stops)
        if at is None:
            break
        if isinstance(at, str):
            # After the last stop the focus is in the browser's own bars, and then on the first.
            continue
        assert at["isMarked"], f"the focus on {at['name']} is not to be seen"
        assert at["isUncovered"], f"something lies over {at['name']}"
        stops.append(at["name"])
    return stops
