"""1,000 subscribers on one server hear three refreshes in order, while 100 more never read a byte.

Run: python tests/benchmarks/subscribers.py [LISTENERS [DEAF]]
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from server import database
from tests.support.crowd import allow_files, gather
from tests.support.servers import serving, tiny_database

MODELS = 25
"""Models whose two prices move every day."""
DAYS = range(2, 5)


async def main(listeners: int, deaf: int) -> None:
    allow_files(2 * (listeners + deaf) + 200)
    with tempfile.TemporaryDirectory() as folder:
        async with tiny_database(Path(folder)) as url:
            engine = database.create_engine(url)
            async with serving(url, Path(folder), send_timeout="5", keep_alive="5") as server:
                crowd = await gather(server, engine, listeners, deaf, DAYS, MODELS)
            await engine.dispose()
    print(f"{listeners} subscribers, {deaf} that never read; {len(DAYS)} refreshes of {2 * MODELS} changes each")
    for name, lists in crowd.heard.items():
        right = sum(each == crowd.written[name] for each in lists)
        print(f"  {name:<10} {right:>4} of {len(lists):>4} heard all {len(crowd.written[name]):>4} events in order")
    print(f"  in all {crowd.events} events, {crowd.events / crowd.seconds['until all had heard']:.0f} a second")
    for name, seconds in crowd.seconds.items():
        print(f"  {seconds:6.1f} s {name}")
    print(f"  {crowd.cut_off} of {deaf} that never read were cut off")
    for name, size in crowd.memory.items():
        print(f"  {size / 1024:6.1f} MiB held {name}")


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    asyncio.run(main(*given, *(1_000, 100)[len(given) :]))
