"""Entities with an opaque id, and how an id is turned back into its entity."""

import asyncio
import base64
import binascii
from collections.abc import Sequence

import strawberry

from schema import dataloaders
from schema.context import Batch, Context
from schema.declarations import field

KINDS: dict[str, tuple[Batch[str, object], str]] = {
    "Model": (dataloaders.models_by_ref, "ref"),
    "Provider": (dataloaders.providers, "slug"),
    "Family": (dataloaders.families, "slug"),
    "Change": (dataloaders.changes, "id"),
}
"""Type -> its batch function and the column of its keys."""


def kind_of(row: object) -> str:
    """The type of a row, recognized by a column that only its table has."""
    if hasattr(row, "ref"):
        return "Model"
    if hasattr(row, "revision_number"):
        return "Change"
    return "Provider" if hasattr(row, "api_base_url") else "Family"


def encode_id(row: object) -> str:
    kind = kind_of(row)
    return base64.urlsafe_b64encode(f"{kind}:{getattr(row, KINDS[kind][1])}".encode()).decode().rstrip("=")


async def nodes(context: Context, ids: Sequence[str]) -> list[object]:
    """The row of each id; None for an id that is unknown or invalid."""
    return await asyncio.gather(*(_node(context, id) for id in ids))


async def node_lists(context: Context, keys: Sequence[Sequence[str]]) -> list[list[object]]:
    """The rows of several lists of ids."""
    return await asyncio.gather(*(nodes(context, ids) for ids in keys))


async def _node(context: Context, id: str) -> object:
    try:
        text = base64.b64decode(id + "=" * (-len(id) % 4), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        return None
    kind, _, key = text.partition(":")
    # PostgreSQL refuses NUL in any text; no name contains one.
    if kind not in KINDS or not key or "\x00" in key:
        return None
    return await context.load(KINDS[kind][0], key)


@strawberry.interface(description="An entity with an id.")
class Node:
    @field()
    @staticmethod
    def id(row: object) -> strawberry.ID:
        """Opaque identifier, stable across refreshes. The query `node` returns the entity of an id."""
        return strawberry.ID(encode_id(row))

    @classmethod
    def resolve_type(cls, value: object, *_: object) -> str:
        return kind_of(value)
