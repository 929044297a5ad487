"""Things with an identity: an opaque id that finds them again."""

import base64
import binascii
from typing import Any

import strawberry
from strawberry import Parent

from schema import dataloaders, tables
from schema.context import Batch, Context

KINDS: dict[str, tuple[Batch[str, Any], str]] = {
    "Model": (dataloaders.models_by_ref, "ref"),
    "Provider": (dataloaders.providers, "slug"),
    "Family": (dataloaders.families, "slug"),
    "Change": (dataloaders.changes, "id"),
}
"""Type -> its loader and the column that names its rows."""


def kind_of(row: Any) -> str:
    """The type a row belongs to, by a column only that table has."""
    if hasattr(row, "ref"):
        return "Model"
    if hasattr(row, "revision_number"):
        return "Change"
    return "Provider" if hasattr(row, "api_base_url") else "Family"


def encode_id(row: Any) -> str:
    kind = kind_of(row)
    return base64.urlsafe_b64encode(f"{kind}:{getattr(row, KINDS[kind][1])}".encode()).decode().rstrip("=")


async def find(context: Context, id: str) -> Any:
    """The row of an id; None for one that names nothing, garbage included."""
    try:
        text = base64.b64decode(id + "=" * (-len(id) % 4), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        return None
    kind, _, key = text.partition(":")
    # A character no name has would be an error on PostgreSQL; nothing is called that.
    if kind not in KINDS or not key or "\x00" in key:
        return None
    return await context.load(KINDS[kind][0], key)


@strawberry.interface(description="Something with an identity of its own.")
class Node:
    @strawberry.field(description="Opaque identifier, stable across refreshes; `node` finds the same thing again.")
    @staticmethod
    def id(row: Parent[Any]) -> strawberry.ID:
        return strawberry.ID(encode_id(row))

    @classmethod
    def resolve_type(cls, value: Any, *_: Any) -> str:
        return kind_of(value)


Row = tables.Model | tables.Provider | tables.Family | tables.Change
