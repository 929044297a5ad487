"""The least a Python server can do: reads the request and sends prepared bytes, without looking at either.

FLOOR_FOLDER=answers uvicorn tests.benchmarks.floor:app
"""

import os
from pathlib import Path

from starlette.types import Receive, Scope, Send

ANSWERS = {f"/{file.stem}": file.read_bytes() for file in Path(os.environ["FLOOR_FOLDER"]).glob("*.json")}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    content = ANSWERS[scope["path"]]
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})
