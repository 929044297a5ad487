"""1,000 subscribers of one server receive three refreshes in order, while 100 more clients never read.

Run: python -m tests.benchmarks.subscribers [SUBSCRIBERS [STALLED]]
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from server import database
from tests.support.crowd import allow_files, gather
from tests.support.servers import serving, tiny_database

MODELS = 25
"""Models with two prices that change every day."""
DAYS = range(2, 5)


async def main(subscribers: int, stalled: int) -> None:
    allow_files(2 * (subscribers + stalled) + 200)
    with tempfile.TemporaryDirectory() as folder:
        async with tiny_database(Path(folder)) as url:
            engine = database.create_engine(url)
            async with serving(url, Path(folder), send_timeout="5", keep_alive="5") as server:
                crowd = await gather(server, engine, subscribers, stalled, DAYS, MODELS)
            await engine.dispose()
    print(f"{subscribers} subscribers, {stalled} that never read; {len(DAYS)} refreshes of {2 * MODELS} changes each")
    for name, lists in crowd.received.items():
        correct = sum(events == crowd.written[name] for events in lists)
        print(
            f"  {name:<10} {correct:>4} of {len(lists):>4} received all {len(crowd.written[name]):>4} events in order"
        )
    print(
        f"  {crowd.events} events in total, {crowd.events / crowd.seconds['until all events were received']:.0f} per second"
    )
    for name, seconds in crowd.seconds.items():
        print(f"  {seconds:6.1f} s {name}")
    print(f"  {crowd.disconnected} of {stalled} that never read were disconnected")
    for name, size in crowd.memory.items():
        print(f"  {size / 1024:6.1f} MiB of memory, {name}")


if __name__ == "__main__":
    counts = [int(argument) for argument in sys.argv[1:]]
    asyncio.run(main(*counts, *(1_000, 100)[len(counts) :]))
