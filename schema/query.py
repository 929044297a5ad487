"""The queries."""

from collections.abc import Sequence
from typing import Annotated

import strawberry

from schema import dataloaders
from schema.declarations import argument, edge, field
from schema.errors import ClientError
from schema.lists.connection import Connection, connection
from schema.lists.filters import LONGEST_TEXT
from schema.lists.listings import change_listing, family_listing, model_listing, provider_listing
from schema.references.resolve import models_by_reference, resolutions
from schema.types import comparison
from schema.types.change import Change
from schema.types.comparison import Comparison
from schema.types.facets import ModelConnection
from schema.types.family import Family
from schema.types.model import Model
from schema.types.node import Node, node_lists
from schema.types.node import nodes as nodes_by_id
from schema.types.provider import Provider
from schema.types.registry import Registry
from schema.types.resolution import ModelResolution

MOST_NODES = 100
"""Ids of one `nodes`."""

# Arguments of a field become the keys of its batch function: these functions check and translate them.


def checked(name: str, text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise ClientError(f"{name} must have at most {LONGEST_TEXT} characters (got {len(text)}).")
    return text.strip()


def by_ref(_: None, ref: Annotated[str, argument("The reference, in any spelling that people use.")]) -> str:
    return checked("ref", ref)


def by_refs(
    _: None, refs: Annotated[list[str], argument("Two to eight references, in any spelling that `model` accepts.")]
) -> tuple[str, ...]:
    return tuple(checked("Each of refs", ref) for ref in refs)


def by_provider_slug(_: None, slug: Annotated[str, argument("Slug of the provider: openai.")]) -> str:
    return checked("slug", slug).lower().replace("\x00", "")


def by_family_slug(_: None, slug: Annotated[str, argument("Slug of the family: gpt-4.1.")]) -> str:
    return checked("slug", slug).replace("\x00", "")


def by_id(_: None, id: Annotated[strawberry.ID, argument("An id from this API.")]) -> str:
    return id


def by_ids(
    _: None, ids: Annotated[list[strawberry.ID], argument(f"Ids from this API, at most {MOST_NODES}.")]
) -> Sequence[str]:
    if len(ids) > MOST_NODES:
        raise ClientError(f"ids must have at most {MOST_NODES} entries (got {len(ids)}).")
    return tuple(ids)


@strawberry.type(description="All queries.")
class Query:
    model = edge(
        Model | None,
        models_by_reference,
        by=by_ref,
        description='One model by reference: "openai/gpt-4.1-mini", "openai:gpt-4.1-mini", "gpt-4.1-mini@openai", a '
        "bare model id, a dated snapshot, a recorded alias, or the form that gateways and SDKs use; resolveModel shows "
        "how it was matched. A bare id that several providers serve means the model of the lab that made it. Null if "
        "no model matches with certainty.",
    )
    resolve_model = edge(
        ModelResolution,
        resolutions,
        by=by_ref,
        description="How a reference is resolved: the model it means, how it was matched, and other candidates.",
    )
    models = connection(
        ModelConnection,
        model_listing,
        description="Models that match a filter and a search; by relevance with a search, else newest release first.",
    )
    provider = edge(
        Provider | None,
        dataloaders.providers,
        by=by_provider_slug,
        description="One provider by slug; null if there is none.",
    )
    providers = connection(
        Connection[Provider],
        provider_listing,
        description="Providers that match a filter and a search; by relevance with a search, else by name.",
    )
    family = edge(
        Family | None,
        dataloaders.families_by_name,
        by=by_family_slug,
        description="One family by slug; null if there is none.",
    )
    families = connection(
        Connection[Family], family_listing, description="Families; by relevance with a search, else by name."
    )
    compare = edge(
        Comparison,
        comparison.comparisons,
        by=by_refs,
        sized_by="refs",
        largest=comparison.MOST,
        description="Two to eight models side by side, one row per fact, with differences and best values marked. "
        "Refused with BAD_USER_INPUT if a reference matches no model or the same model as another one.",
    )
    changes = connection(
        Connection[Change],
        change_listing,
        description="Changes between refreshes, newest first: models added or retired, prices, limits and other facts "
        "changed.",
    )
    node = edge(Node | None, nodes_by_id, by=by_id, description="An entity by id; null if there is none.")
    nodes = edge(
        list[Node | None],
        node_lists,
        by=by_ids,
        sized_by="ids",
        largest=MOST_NODES,
        description="Entities by id, in the order of the ids; null for each id without an entity.",
    )

    @field()
    @staticmethod
    def registry(_: None) -> Registry:
        """What the registry holds, how fresh it is and where its data comes from."""
        return Registry()
