"""The receipt as a page to read and print, in four languages. Pure: claims in, HTML out.

Every text is escaped, nothing is computed here, and the page runs no script.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

from remote_assist.api.receipt_words import WORDS

SEGMENTS_MAX: Final = 200
"""Rows of the timeline; a line that broke every second is not read row by row."""
_DIGITS: Final = {"JPY": 0, "KRW": 0, "CLP": 0, "ISK": 0, "BHD": 3, "KWD": 3, "TND": 3}
"""Digits of the minor unit where they are not two. Source: ISO 4217."""

_STYLE: Final = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; padding: .35rem .5rem .35rem 0; border-bottom: 1px solid #8886; }
th { font-weight: 500; width: 45%; } td.amount { text-align: right; font-variant-numeric: tabular-nums; }
tr.total > * { font-weight: 700; border-bottom: 2px solid; }
.jws { overflow-wrap: anywhere; font: .75rem/1.4 ui-monospace, monospace; }
.note { font-size: .875rem; }
@media print { body { margin: 0; max-width: none; } details { display: none; } }
"""
STYLE_SOURCE: Final = f"'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'"
"""Allowed by the other pages too, because a receipt that one of them opens inherits their policy."""
CSP: Final = (
    f"default-src 'none'; style-src {STYLE_SOURCE}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def language_untrusted(headers: Mapping[str, str]) -> str:
    """Return the first language of ``Accept-Language`` that we speak. Source: RFC 9110, 12.5.4."""
    for part in headers.get("Accept-Language", "")[:200].split(","):
        language = part.split(";")[0].strip().lower().split("-")[0]
        if language in WORDS:
            return language
    return "en"


def render(claims: Mapping[str, Any], token: str, language: str) -> str:
    """Return the page of a receipt whose signature was checked."""
    words = WORDS[language]
    parts = [
        f"<h1>{escape(words['title'])}</h1>",
        _table(_head(claims, words)),
        _section(words["people"], _table(_people(claims, words))),
        _section(words["terms"], _table(_terms(claims, words))),
        _section(words["time"], _table(_times(claims, words))),
        _section(words["charges"], _charges(claims, words)),
        _timeline(claims, words),
        f'<p class="note">{escape(words["proof"])}</p>',
        f'<details><summary>{escape(words["signed"])}</summary><p class="jws">{escape(token)}</p></details>',
    ]
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(words['title'])} {escape(str(claims.get('session_id', '')))}</title>"
        f"<style>{_STYLE}</style></head>\n<body><main>\n" + "\n".join(parts) + "\n</main></body>\n</html>\n"
    )


def money(amount_minor: int, currency: str) -> str:
    """Return an amount for people: ``CHF 12.50``."""
    digits = _DIGITS.get(currency, 2)
    sign, text = ("-" if amount_minor < 0 else ""), str(abs(amount_minor)).rjust(digits + 1, "0")
    whole, rest = (text[:-digits], "." + text[-digits:]) if digits else (text, "")
    return f"{currency} {sign}{whole}{rest}"


def duration(length_ms: int) -> str:
    """Return a duration as ``m:ss``, rounded down to whole seconds."""
    return f"{length_ms // 60_000}:{length_ms // 1_000 % 60:02}"


def exact(length_ms: int) -> str:
    """Return a duration as ``m:ss.t``, rounded down to tenths, so that parts visibly add up."""
    return f"{duration(length_ms)}.{length_ms // 100 % 10}"


def _head(claims: Mapping[str, Any], words: Mapping[str, str]) -> list[tuple[str, str]]:
    rows = [
        (words["issuer"], claims.get("iss")),
        (words["session"], claims.get("session_id")),
        (words["record"], claims.get("usage_record_id")),
        (words["started"], _instant(claims.get("billing_started_at_ms"))),
        (words["closed"], _instant(claims.get("closed_at_ms"))),
        (words["issued"], _instant(claims["iat"] * 1000) if isinstance(claims.get("iat"), int) else None),
        (words["outcome"], words.get(f"outcome.{claims.get('outcome')}", claims.get("outcome"))),
    ]
    return [(name, str(value)) for name, value in rows if value]


def _people(claims: Mapping[str, Any], words: Mapping[str, str]) -> list[tuple[str, str]]:
    return [
        (words[role], str(claims[role]["name"] if isinstance(claims[role], Mapping) else claims[role]))
        for role in ("customer", "technician")
        if claims.get(role)
    ]


def _terms(claims: Mapping[str, Any], words: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what both sides agreed to: with it and the times a reader can do the sum."""
    terms: Mapping[str, Any] = claims["terms"]
    tariff, booked = terms["tariff"], duration(terms["booked_ms"])
    currency = tariff["currency"]
    rows = []
    if tariff["kind"] == "fixed":
        rows.append((words["price"], f"{money(tariff['price_minor'], currency)} / {booked}"))
    else:
        rows.append((words["rate"], f"{money(tariff['rate_minor_per_hour'], currency)} / 60:00"))
        if tariff["minimum_minor"]:
            rows.append((words["minimum"], money(tariff["minimum_minor"], currency)))
    gaps = words["gaps_allowed"].format(seconds=terms["bridge_ms"] / 1000, percent=terms["bridge_pct"])
    return [
        *rows,
        (words["booked_ms"], booked),
        (words["free_ms"], duration(terms["free_ms"])),
        (words["min_executed_ms"], duration(terms["min_executed_ms"])),
        (words["gaps"], gaps),
    ]


def _times(claims: Mapping[str, Any], words: Mapping[str, str]) -> list[tuple[str, str]]:
    names = ("evidenced_ms", "bridged_ms", "paused_ms", "fault_ms", "total_ms")
    rows = [(words[name], exact(claims[name])) for name in names if isinstance(claims.get(name), int)]
    if isinstance(claims.get("billed_s"), int):
        rows.append((words["billed_s"], duration(claims["billed_s"] * 1000)))
    return rows


def _charges(claims: Mapping[str, Any], words: Mapping[str, str]) -> str:
    charges: Sequence[Mapping[str, Any]] = claims.get("charges") or ()
    currency = str(claims.get("currency", ""))
    if not charges:
        return f"<p>{escape(words['none'])}</p>"
    rows = [
        f'<tr><th scope="row">{escape(_reason(str(charge["reason"]), words))}</th>'
        f'<td class="amount">{escape(money(int(charge["amount_minor"]), currency))}</td></tr>'
        for charge in charges
    ]
    total = escape(money(int(claims.get("total_minor", 0)), currency))
    rows.append(
        f'<tr class="total"><th scope="row">{escape(words["total"])}</th><td class="amount">{total}</td></tr>'
    )
    return f"<table>{''.join(rows)}</table>"


def _timeline(claims: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """Return each stretch of the session with why it counts or not."""
    segments: Sequence[Sequence[Any]] = claims.get("segments") or ()
    rows = [
        (
            f"{_time_of_day(from_ms)} - {_time_of_day(to_ms)} ({exact(to_ms - from_ms)})",
            words.get(f"reason.{reason}", str(reason)),
        )
        for from_ms, to_ms, reason in segments[:SEGMENTS_MAX]
    ]
    if not rows:
        return ""
    more = f'<p class="note">{escape(words["more"])}</p>' if len(segments) > SEGMENTS_MAX else ""
    return _section(words["timeline"], _table(rows) + more)


def _reason(reason: str, words: Mapping[str, str]) -> str:
    kind, _, detail = reason.partition(":")
    known = words.get(f"charge.{kind}", kind)
    return f"{known}: {detail}" if detail else known


def _instant(at_ms: Any) -> str | None:
    if not isinstance(at_ms, int):
        return None
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _time_of_day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%H:%M:%S")


def _section(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2>\n{content}"


def _table(rows: Sequence[tuple[str, str]]) -> str:
    return (
        "<table>"
        + "".join(
            f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in rows
        )
        + "</table>"
    )
