"""A loopback server that publishes feeds with ETags and records its requests."""

import hashlib
import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from seeds.guard import Thresholds
from seeds.refresh import Plan, Report, refresh
from server.refresh.plan import RefreshDatabase, refresh_plan
from tests.support.registry import settings_for

ANYTHING_GOES = Thresholds(1, 1, 1)
QUIET = [
    {
        "id": "quiet",
        "name": "Quiet",
        "api_pattern": "quiet",
        "models": [{"id": "one", "match": {"equals": "one"}, "prices": {"input_mtok": 1}}],
    }
]
"""A genai-prices document whose one provider appears in no other feed."""


@dataclass
class Publisher:
    """The current document of each feed: a JSON value, raw bytes, or None for a response with status 503."""

    address: str = ""
    documents: dict[str, Any] = field(default_factory=dict[str, Any])
    asked: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    """(feed, status) of every response."""

    def url(self, slug: str) -> str:
        return f"{self.address}/{slug}" if slug in self.documents else ""

    def variables(self) -> dict[str, str]:
        """The settings with the URLs of these feeds."""
        return {
            "models_dev_url": self.url("models-dev"),
            "genai_prices_url": self.url("genai-prices"),
            "openrouter_url": self.url("openrouter"),
        }

    def plan(self, **more: Any) -> Plan:
        settings = settings_for("sqlite+aiosqlite:///unused.sqlite", **self.variables(), fetch_timeout=10.0, **more)
        return refresh_plan(settings)


@contextmanager
def publishing(documents: Mapping[str, Any]) -> Generator[Publisher]:
    publisher = Publisher(documents={"genai-prices": QUIET, **documents})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            slug = self.path.strip("/")
            document = publisher.documents.get(slug)
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            status = 503 if document is None else 304 if self.headers["If-None-Match"] == etag else 200
            publisher.asked.append((slug, status))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("ETag", etag)
            self.send_header("Content-Length", str(len(body) if status == 200 else 0))
            self.end_headers()
            if status == 200:
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    publisher.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield publisher
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def refreshed(engine: AsyncEngine, plan: Plan) -> Report:
    return await refresh(RefreshDatabase(engine), plan)


def listing(
    context: int = 128_000, price: tuple[str, str] | None = ("1", "4"), name: str | None = None, **more: Any
) -> dict[str, Any]:
    """A model in the format of models.dev."""
    cost = {} if price is None else {"cost": {"input": float(price[0]), "output": float(price[1])}}
    return {
        "name": name or "A model",
        "release_date": "2026-01-01",
        "open_weights": False,
        "reasoning": False,
        "tool_call": True,
        "attachment": False,
        "modalities": {"input": ["text"], "output": ["text"]},
        "limit": {"context": context, "output": 4_096},
        **cost,
        **more,
    }


def catalogue(models: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A models.dev document: provider/slug -> model."""
    providers: dict[str, Any] = {}
    for ref, model in models.items():
        provider, _, slug = ref.partition("/")
        entry = providers.setdefault(
            provider, {"id": provider, "name": provider.title(), "env": [], "npm": "x", "doc": "https://example.org"}
        )
        entry.setdefault("models", {})[slug] = {"id": slug, **model}
    return providers
