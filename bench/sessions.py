"""How many sessions a second one server opens, over HTTP, on its embedded database.

Real server process, real SQLite with ``synchronous=FULL``: each answer means that the session is on disk.
"""

import asyncio
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any, Final

import aiohttp

from tests.kit.servers import API_KEY, Server

SECONDS: Final = 8.0
WARM_UP: Final = 20
CONCURRENCIES: Final = (1, 8, 32)
BODY: Final = {
    "customer": {"name": "Carla Customer", "locale": "de-CH"},
    "technician": {"name": "Toni Technician"},
    "booked_minutes": 30,
    "tariff": {"kind": "fixed", "price_minor": 4000, "currency": "CHF"},
}


async def measure(url: str, concurrency: int) -> dict[str, Any]:
    """Open sessions for a while and return the rate and the latencies."""
    loop = asyncio.get_running_loop()
    latencies_ms: list[float] = []
    headers = {"Authorization": f"Bearer {API_KEY}"}
    async with aiohttp.ClientSession(url, headers=headers) as http:

        async def open_one() -> None:
            began_s = loop.time()
            async with http.post("/api/v1/sessions", json=BODY) as response:
                assert response.status == 201, await response.text()
                await response.read()
            latencies_ms.append((loop.time() - began_s) * 1000)

        for _ in range(WARM_UP):
            await open_one()
        latencies_ms.clear()
        began_s = loop.time()

        async def keep_opening() -> None:
            while loop.time() - began_s < SECONDS:
                await open_one()

        await asyncio.gather(*(keep_opening() for _ in range(concurrency)))
        elapsed_s = loop.time() - began_s
    cuts = statistics.quantiles(latencies_ms, n=100)
    return {
        "bench": "sessions",
        "concurrency": concurrency,
        "per_second": round(len(latencies_ms) / elapsed_s, 1),
        "p50_ms": round(cuts[49], 1),
        "p99_ms": round(cuts[98], 1),
        "opened": len(latencies_ms),
    }


def main() -> None:
    """Print one line of JSON per concurrency."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        server.start()
        try:
            for concurrency in CONCURRENCIES:
                print(json.dumps(asyncio.run(measure(server.url, concurrency))), flush=True)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
