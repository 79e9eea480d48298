"""What a call costs: page, log, replay, usage record, receipt and webhook agree to the second."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from remote_assist.clock import SystemClock
from tests.e2e.conftest import Call, CallFactory
from tests.kit.commands import command
from tests.kit.marketplace import Marketplace, WebhookSink
from tests.kit.servers import API_KEY, Server
from tests.kit.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CLOCK = SystemClock()


async def export_log(call: Call, folder: Path) -> Path:
    """Write the session's log as NDJSON."""
    path = folder / f"{call.opened.id}.ndjson"
    path.write_text("".join(json.dumps(event) + "\n" for event in await call.marketplace.log(call.opened.id)))
    return path


async def settled(marketplace: Marketplace, session_id: str) -> dict[str, Any]:
    """Wait for the usage record."""
    records: list[dict[str, Any]] = await eventually(
        lambda: marketplace.usage_records(session_id), what="the usage record"
    )
    assert len(records) == 1
    return records[0]


async def test_everybody_shows_the_same_seconds(
    open_call: CallFactory, sink: WebhookSink, server: Server, tmp_path: Path
) -> None:
    """Usage record, replay of the log, wall time, receipt and webhook tell one story."""
    call = await (await open_call()).connect()
    await call.technician.get("admit").wait_for()
    started_ms = CLOCK.now_ms()
    await call.begin_after_join()
    admitted_ms = CLOCK.now_ms()
    await eventually(lambda: CLOCK.now_ms() - admitted_ms > 5_000, what="five seconds of call")
    await timer_is_right(call, tmp_path)
    before_close_ms = CLOCK.now_ms()
    await call.hang_up()
    after_close_ms = CLOCK.now_ms()

    record = await settled(call.marketplace, call.opened.id)
    assert record["outcome"] == "completed"
    assert before_close_ms - admitted_ms - 1_000 <= record["total_ms"] <= after_close_ms - started_ms

    log = await export_log(call, tmp_path)
    replayed = json.loads(await command("replay", str(log), "--json"))
    for field in ("outcome", "billed_s", "evidenced_ms", "total_ms", "charges", "total_minor", "currency"):
        assert replayed[field] == record[field], field
    seqs = [json.loads(line)["seq"] for line in log.read_text().splitlines()]
    assert seqs == list(range(1, len(seqs) + 1))

    await receipt_verifies(call, record, tmp_path)
    await webhooks_arrived(call, sink, record)
    for page in (call.customer, call.technician):
        shown = await page.page.inner_text("body")
        assert re.search(rf"\b{record['billed_s'] // 60}:{record['billed_s'] % 60:02}\b", shown), shown
    nothing_secret_was_written(call, sink, server)


async def timer_is_right(call: Call, folder: Path) -> None:
    """The timer of either page equals the log's own total, within the second that passes meanwhile."""
    texts = await asyncio.gather(call.customer.text("timer"), call.technician.text("timer"))
    now_ms = CLOCK.now_ms()
    log = await export_log(call, folder)
    total_ms = json.loads(await command("replay", str(log), "--json", "--until", str(now_ms)))["total_ms"]
    for text in texts:
        matched = re.fullmatch(r"(\d+):(\d\d)", text)
        assert matched, text
        assert abs(int(matched[1]) * 60 + int(matched[2]) - total_ms / 1_000) <= 2, (text, total_ms)


async def receipt_verifies(call: Call, record: dict[str, Any], folder: Path) -> None:
    """The receipt's signature holds by the published keys, and it states the same seconds."""
    receipt, jwks = folder / "receipt.jws", folder / "jwks.json"
    receipt.write_text(await call.marketplace.request("GET", f"sessions/{call.opened.id}/receipt"))
    async with call.marketplace.http.get(f"{call.marketplace.url}/.well-known/jwks.json") as response:
        jwks.write_text(await response.text())
    shown = await command("verify-receipt", str(receipt), "--jwks", str(jwks))
    assert f'"billed_s": {record["billed_s"]}' in shown or f'"billed_s":{record["billed_s"]}' in shown, shown


async def webhooks_arrived(call: Call, sink: WebhookSink, record: dict[str, Any]) -> None:
    """Five notices, signed, with a sequence without gaps."""
    expected = ["session.opened", "session.live", "session.closed", "usage.recorded", "receipt.issued"]
    await eventually(
        lambda: {notice["type"] for notice in sink.notices(call.opened.id)} >= set(expected),
        what=f"all of {expected}",
        within_s=15,
    )
    by_sequence = {notice["data"]["sequence"]: notice for notice in sink.notices(call.opened.id)}
    assert sorted(by_sequence) == list(range(1, len(by_sequence) + 1))
    assert [by_sequence[n]["type"] for n in sorted(by_sequence)] == expected
    usage = next(notice for notice in by_sequence.values() if notice["type"] == "usage.recorded")
    assert usage["data"]["billed_s"] == record["billed_s"]


def nothing_secret_was_written(call: Call, sink: WebhookSink, server: Server) -> None:
    """No link secret, API key, webhook secret or token is in any line the server wrote."""
    written = "\n".join(server.lines)
    for secret in (*call.opened.secrets, API_KEY, sink.secret, sink.secret.removeprefix("whsec_")):
        assert secret not in written
    assert "eyJ" not in written, "no JWT, whole or in part"
