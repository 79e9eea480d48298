"""api/routes_sessions.py: opening, looking, reading the log, closing."""

import json
import re
from typing import Any

import pytest

from remote_assist.ids import SessionId
from remote_assist.sessions.events import Role
from remote_assist.sessions.views import Opinion
from tests.api.conftest import OPEN, OTHER_KEY, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")
ZULU = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


async def test_open_answers_with_two_links(api: Api) -> None:
    """A marketplace gets an id and two links whose secrets stand behind the #."""
    reply = await api.ask("POST", "/api/v1/sessions", OPEN)
    assert reply.status == 201
    assert reply.headers["Location"] == f"/api/v1/sessions/{reply.json['id']}"
    assert reply.headers["Cache-Control"] == "no-store"
    for side in ("customer_url", "technician_url"):
        assert re.fullmatch(re.escape(api.server.http_url) + r"/j#[A-Za-z0-9_-]{22}", reply.json[side])
    assert reply.json["state"] == "open"
    assert reply.json["customer"]["email"] == "carla@shop.example"
    assert reply.json["booked_minutes"] == 30
    assert ZULU.fullmatch(reply.json["scheduled_start"])
    assert ZULU.fullmatch(reply.json["created_at"])


async def test_links_are_shown_once(api: Api) -> None:
    """Looking at a session again shows no secret."""
    opened = await api.open()
    looked = await api.ask("GET", f"/api/v1/sessions/{opened['id']}")
    assert looked.status == 200
    assert set(looked.json) == set(opened) - {"customer_url", "technician_url"}


async def test_ratings_are_read_by_their_partner_alone(api: Api) -> None:
    """Each side's newest words, in an order that does not change."""
    opened = await api.open()
    path = f"/api/v1/sessions/{opened['id']}/ratings"
    assert (await api.ask("GET", path)).json == {"items": [], "next_cursor": None}
    await api.ask("POST", f"/api/v1/sessions/{opened['id']}/close")
    said = Opinion(4, is_solved=True, comment="<b>Thanks</b>")
    await api.server.sessions.rate(SessionId(opened["id"]), Role.CUSTOMER, said)
    (rating,) = (await api.ask("GET", path)).json["items"]
    assert ZULU.fullmatch(rating.pop("rated_at"))
    assert rating == {"role": "customer", "stars": 4, "solved": True, "comment": "<b>Thanks</b>"}
    assert (await api.ask("GET", path, key=OTHER_KEY)).code == "session_not_found"


@pytest.mark.parametrize(
    ("tariff", "terms"),
    [
        ({"kind": "fixed", "price_minor": 4000, "currency": "CHF"}, {}),
        ({"kind": "metered", "rate_minor_per_hour": 6000, "currency": "EUR"}, {"free_ms": 0}),
        (
            {"kind": "metered", "rate_minor_per_hour": 6000, "minimum_minor": 500, "currency": "EUR"},
            {"bridge_pct": 0, "wait_ms": 60_000, "no_show_fee_minor": 1500},
        ),
    ],
)
async def test_terms_are_a_subset_over_defaults(api: Api, tariff: Any, terms: Any) -> None:
    """What is named counts, the rest is default, and the tariff comes back as given."""
    opened = await api.open(tariff=tariff, terms=terms)
    expected = {"free_ms": 60_000, "wait_ms": 600_000, "bridge_pct": 5, "no_show_fee_minor": 0} | terms
    assert {name: opened["terms"][name] for name in expected} == expected
    assert tariff.items() <= opened["terms"]["tariff"].items()


async def test_terms_count_over_fields_beside_them(api: Api) -> None:
    """Terms are milliseconds and may be finer than whole minutes."""
    opened = await api.open(terms={"booked_ms": 90_500, "scheduled_start_ms": 1_800_000_000_123})
    assert opened["terms"]["booked_ms"] == 90_500
    assert opened["scheduled_start"] == "2027-01-15T08:00:00.123000Z"


async def test_scheduled_start_is_kept_in_utc(api: Api) -> None:
    """Any offset comes in, Z goes out."""
    opened = await api.open(scheduled_start="2027-03-01T10:00:00+01:00")
    assert opened["scheduled_start"] == "2027-03-01T09:00:00Z"


async def test_metadata_comes_back_as_it_was(api: Api) -> None:
    """Whatever JSON the marketplace keeps with a session is given back unread."""
    metadata = {"order": "A-17", "deep": [1, 2.5, None, {"ü": True}], "empty": {}}
    opened = await api.open(metadata=metadata)
    assert (await api.ask("GET", f"/api/v1/sessions/{opened['id']}")).json["metadata"] == metadata


async def test_whole_numbers_may_be_written_as_floats(api: Api) -> None:
    """JSON Schema's integer includes 30.0."""
    assert (await api.open(booked_minutes=30.0))["booked_minutes"] == 30


REFUSED: list[tuple[str, Any]] = [
    ("no customer", {**OPEN, "customer": None}),
    ("unknown field", {**OPEN, "price": 1}),
    ("unknown nested field", {**OPEN, "customer": {"name": "C", "phone": "1"}}),
    ("text for number", {**OPEN, "booked_minutes": "30"}),
    ("fraction", {**OPEN, "booked_minutes": 30.5}),
    ("true for number", {**OPEN, "booked_minutes": True}),
    ("zero minutes", {**OPEN, "booked_minutes": 0}),
    ("blank name", {**OPEN, "technician": {"name": "   "}}),
    ("control character", {**OPEN, "technician": {"name": "a\nb"}}),
    ("naive time", {**OPEN, "scheduled_start": "2027-03-01T10:00:00"}),
    ("date only", {**OPEN, "scheduled_start": "2027-03-01"}),
    ("epoch", {**OPEN, "scheduled_start": 1_800_000_000}),
    ("epoch text", {**OPEN, "scheduled_start": "1800000000"}),
    ("year 9999", {**OPEN, "scheduled_start": "9999-12-31T23:59:59-12:00"}),
    ("negative price", {**OPEN, "tariff": {"kind": "fixed", "price_minor": -1, "currency": "CHF"}}),
    ("float price", {**OPEN, "tariff": {"kind": "fixed", "price_minor": 0.1, "currency": "CHF"}}),
    ("huge price", {**OPEN, "tariff": {"kind": "fixed", "price_minor": 10**30, "currency": "CHF"}}),
    ("unknown tariff", {**OPEN, "tariff": {"kind": "gift", "currency": "CHF"}}),
    ("bad currency", {**OPEN, "tariff": {"kind": "fixed", "price_minor": 1, "currency": "chf"}}),
    ("unknown term", {**OPEN, "terms": {"discount_ms": 1}}),
    ("negative term", {**OPEN, "terms": {"free_ms": -1}}),
    ("recording on", {**OPEN, "recording": "on"}),
    ("metadata list", {**OPEN, "metadata": []}),
    ("metadata too large", {**OPEN, "metadata": {"a": "x" * 20_000}}),
    ("metadata NUL", {**OPEN, "metadata": {"a": "\x00"}}),
    ("metadata huge number", {**OPEN, "metadata": {"a": 10**300}}),
    ("a list", [OPEN]),
    ("a number", 5),
    ("null", "null"),
]


@pytest.mark.parametrize("body", [body for _, body in REFUSED], ids=[name for name, _ in REFUSED])
async def test_what_does_not_fit_is_named(api: Api, body: Any) -> None:
    """A wrong type, an unknown field or a senseless value is refused, with its place, and not repeated."""
    reply = await api.ask("POST", "/api/v1/sessions", body)
    assert (reply.status, reply.code) == (422, "validation_error")
    assert reply.json["errors"][0]["where"] == "body"
    assert "shop.example" not in reply.text


async def test_technician_by_id_is_refused_while_none_is_registered(api: Api) -> None:
    """An id that nobody has is an error the marketplace can tell apart."""
    reply = await api.ask("POST", "/api/v1/sessions", {**OPEN, "technician": {"id": "t-1"}})
    assert (reply.status, reply.code) == (422, "unknown_technician")


async def test_list_pages_through_all_sessions(api: Api) -> None:
    """Pages of two together hold each session once, newest first."""
    opened = [(await api.open())["id"] for _ in range(5)]
    found: list[str] = []
    cursor: str | None = None
    while True:
        query = "?limit=2" + (f"&cursor={cursor}" if cursor else "")
        page = (await api.ask("GET", f"/api/v1/sessions{query}")).json
        assert len(page["items"]) <= 2
        found += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found[:5] == opened[::-1]
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "cursor=%00", "unknown=1", "limit=1&limit=2"]
)
async def test_senseless_queries_are_refused(api: Api, query: str) -> None:
    """A page that cannot be, an unknown name or a repeated one is an error, not a guess."""
    reply = await api.ask("GET", f"/api/v1/sessions?{query}")
    assert (reply.status, reply.code) == (422, "validation_error")


async def test_unknown_cursor_is_no_failure(api: Api) -> None:
    """A cursor that nobody handed out is answered, not a 5xx."""
    assert (await api.ask("GET", "/api/v1/sessions?cursor=zzz")).status in {200, 422}


async def test_close_is_idempotent(api: Api) -> None:
    """Closing twice gives the same answer."""
    opened = await api.open()
    first = await api.ask("POST", f"/api/v1/sessions/{opened['id']}/close")
    second = await api.ask("POST", f"/api/v1/sessions/{opened['id']}/close", {})
    assert (first.status, second.status) == (200, 200)
    assert first.json == second.json
    assert (first.json["state"], first.json["close_reason"]) == ("closed", "api")
    assert ZULU.fullmatch(first.json["closed_at"])


async def test_log_comes_as_pages_and_as_lines(api: Api) -> None:
    """Both forms hold the same events in order of seq."""
    opened = await api.open()
    await api.ask("POST", f"/api/v1/sessions/{opened['id']}/close")
    path = f"/api/v1/sessions/{opened['id']}/events"
    page = (await api.ask("GET", path)).json
    assert [one["type"] for one in page["items"]] == ["session_opened", "session_closed"]
    assert [one["seq"] for one in page["items"]] == [1, 2]
    assert page["next_cursor"] is None
    lines = await api.ask("GET", path, Accept="application/x-ndjson")
    assert lines.headers["Content-Type"] == "application/x-ndjson"
    assert [json.loads(line) for line in lines.text.splitlines()] == page["items"]

    first = (await api.ask("GET", f"{path}?limit=1")).json
    rest = (await api.ask("GET", f"{path}?limit=1&cursor={first['next_cursor']}")).json
    assert first["items"] + rest["items"] == page["items"]
    assert rest["next_cursor"] is None
    one_line = await api.ask("GET", f"{path}?limit=1", Accept="application/x-ndjson")
    assert len(one_line.text.splitlines()) == 1


@pytest.mark.parametrize(
    ("method", "tail"), [("GET", ""), ("GET", "/events"), ("POST", "/close"), ("GET", "/receipt")]
)
async def test_another_partners_session_does_not_exist(api: Api, method: str, tail: str) -> None:
    """The other partner gets the very answer that an invented id gets."""
    opened = await api.open()
    foreign = await api.ask(method, f"/api/v1/sessions/{opened['id']}{tail}", key=OTHER_KEY)
    invented = await api.ask(
        method, f"/api/v1/sessions/00000000-0000-7000-8000-000000000000{tail}", key=OTHER_KEY
    )
    assert (foreign.status, foreign.code) == (404, "session_not_found")
    assert (invented.status, invented.code) == (404, "session_not_found")
    assert foreign.json["detail"] == invented.json["detail"]
    assert (await api.ask("GET", f"/api/v1/sessions/{opened['id']}")).json["state"] == "open"


async def test_lists_hold_own_sessions_only(api: Api) -> None:
    """Another partner's list is empty of ours."""
    opened = await api.open()
    listed = (await api.ask("GET", "/api/v1/sessions?limit=1000", key=OTHER_KEY)).json["items"]
    assert opened["id"] not in [one["id"] for one in listed]


@pytest.mark.parametrize("name", ["x" * 81, "%00", "..%2f..%2fetc", "a%20b", "ü"])
async def test_ids_that_cannot_be_are_not_found(api: Api, name: str) -> None:
    """A path that names nothing is a 404, whatever stands in it."""
    assert (await api.ask("GET", f"/api/v1/sessions/{name}")).status == 404
