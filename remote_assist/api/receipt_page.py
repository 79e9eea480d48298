"""The receipt as a page to read and print, in German and English. Pure: claims in, HTML out.

Every text is escaped, nothing is computed here, and the page runs no script.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

LANGUAGES: Final = ("en", "de")
_DIGITS: Final = {"JPY": 0, "KRW": 0, "CLP": 0, "ISK": 0, "BHD": 3, "KWD": 3, "TND": 3}
"""Digits of the minor unit where they are not two. Source: ISO 4217."""

_STYLE: Final = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; padding: .35rem .5rem .35rem 0; border-bottom: 1px solid #8886; }
th { font-weight: 500; } td.amount { text-align: right; font-variant-numeric: tabular-nums; }
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

_WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "title": "Receipt",
        "session": "Session",
        "record": "Usage record",
        "issuer": "Issued by",
        "issued": "Issued at",
        "opened": "Opened at",
        "started": "Billing started at",
        "closed": "Closed at",
        "outcome": "Outcome",
        "outcome.completed": "The help took place",
        "outcome.customer_no_show": "The customer did not come",
        "outcome.technician_no_show": "The technician did not come",
        "outcome.nobody_came": "Nobody came",
        "outcome.not_executed": "No proper call came about",
        "people": "People",
        "customer": "Customer",
        "technician": "Technician",
        "time": "Time",
        "evidenced_ms": "Both were connected",
        "bridged_ms": "Short gaps that count",
        "paused_ms": "Paused",
        "fault_ms": "Our own failures, not charged",
        "free_ms": "Free time",
        "total_ms": "Time that counts",
        "billed_s": "Billed time",
        "charges": "Charges",
        "charge.package": "Package",
        "charge.metered_time": "Time",
        "charge.minimum": "Rest to the minimum",
        "charge.extension": "Extension",
        "charge.no_show_fee": "Fee: did not come",
        "charge.late_cancellation_fee": "Fee: cancelled late",
        "charge.credit": "Credit",
        "total": "Total",
        "none": "Nothing is charged.",
        "proof": "A second counts while data from both sides arrived at the server. This receipt is signed: "
        "with the text below and the server's public keys (/.well-known/jwks.json) anybody can check it.",
        "signed": "The signed receipt",
    },
    "de": {
        "title": "Quittung",
        "session": "Sitzung",
        "record": "Nutzungsnachweis",
        "issuer": "Ausgestellt von",
        "issued": "Ausgestellt am",
        "opened": "Eröffnet am",
        "started": "Verrechnung begann am",
        "closed": "Beendet am",
        "outcome": "Ergebnis",
        "outcome.completed": "Die Hilfe hat stattgefunden",
        "outcome.customer_no_show": "Die Kundin oder der Kunde kam nicht",
        "outcome.technician_no_show": "Die Technikerin oder der Techniker kam nicht",
        "outcome.nobody_came": "Niemand kam",
        "outcome.not_executed": "Es kam kein richtiges Gespräch zustande",
        "people": "Personen",
        "customer": "Kundschaft",
        "technician": "Technik",
        "time": "Zeit",
        "evidenced_ms": "Beide waren verbunden",
        "bridged_ms": "Kurze Lücken, die zählen",
        "paused_ms": "Pausiert",
        "fault_ms": "Eigene Fehler, nicht verrechnet",
        "free_ms": "Freie Zeit",
        "total_ms": "Zeit, die zählt",
        "billed_s": "Verrechnete Zeit",
        "charges": "Beträge",
        "charge.package": "Paket",
        "charge.metered_time": "Zeit",
        "charge.minimum": "Rest bis zum Mindestbetrag",
        "charge.extension": "Verlängerung",
        "charge.no_show_fee": "Gebühr: nicht erschienen",
        "charge.late_cancellation_fee": "Gebühr: spät abgesagt",
        "charge.credit": "Gutschrift",
        "total": "Total",
        "none": "Es wird nichts verrechnet.",
        "proof": "Eine Sekunde zählt, solange Daten von beiden Seiten beim Server ankamen. Diese Quittung "
        "ist signiert: Mit dem Text unten und den öffentlichen Schlüsseln des Servers "
        "(/.well-known/jwks.json) können alle sie prüfen.",
        "signed": "Die signierte Quittung",
    },
}


def language_untrusted(headers: Mapping[str, str]) -> str:
    """Return the first language of ``Accept-Language`` that we speak. Source: RFC 9110, 12.5.4."""
    for part in headers.get("Accept-Language", "")[:200].split(","):
        language = part.split(";")[0].strip().lower().split("-")[0]
        if language in LANGUAGES:
            return language
    return "en"


def render(claims: Mapping[str, Any], token: str, language: str) -> str:
    """Return the page of a receipt whose signature was checked."""
    words = _WORDS[language]
    parts = [
        f"<h1>{escape(words['title'])}</h1>",
        _table(_head(claims, words)),
        _section(words["people"], _table(_people(claims, words))),
        _section(words["time"], _table(_times(claims, words))),
        _section(words["charges"], _charges(claims, words)),
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


def _times(claims: Mapping[str, Any], words: Mapping[str, str]) -> list[tuple[str, str]]:
    names = ("evidenced_ms", "bridged_ms", "paused_ms", "fault_ms", "total_ms")
    terms = claims.get("terms")
    given: dict[str, Any] = {name: claims.get(name) for name in names}
    given["free_ms"] = terms.get("free_ms") if isinstance(terms, Mapping) else claims.get("free_ms")
    rows = [(words[name], duration(value)) for name, value in given.items() if isinstance(value, int)]
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


def _reason(reason: str, words: Mapping[str, str]) -> str:
    kind, _, detail = reason.partition(":")
    known = words.get(f"charge.{kind}", kind)
    return f"{known}: {detail}" if detail else known


def _instant(at_ms: Any) -> str | None:
    if not isinstance(at_ms, int):
        return None
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


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
