"""Changes between revisions."""

from strawberry import auto

from schema import dataloaders, tables
from schema.declarations import column, edge, of
from schema.scalars import JSON
from schema.types.model import Model
from schema.types.node import Node
from schema.types.provider import Provider
from schema.types.revision import Revision


@of(tables.Change)
class Change(Node):
    kind: auto
    field: auto
    before: JSON | None = column()
    after: JSON | None = column()
    observed_at: auto
    model = edge(
        Model | None,
        dataloaders.models_by_ref,
        by="model_ref",
        description="The model that changed; null for a change of a provider.",
    )
    provider = edge(
        Provider | None,
        dataloaders.providers,
        by="provider_slug",
        description="The provider that changed, or that serves the model; null if the registry no longer has it.",
    )
    revision = edge(
        Revision, dataloaders.revisions, by="revision_number", description="The revision that made the change."
    )
