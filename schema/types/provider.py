"""Providers: who serves models."""

from strawberry import auto

from schema import dataloaders, tables
from schema.declarations import column, edge, of
from schema.lists.connection import connection
from schema.lists.listings import model_listing
from schema.scalars import URL
from schema.types.facets import ModelConnection
from schema.types.family import Family
from schema.types.node import Node

MOST_FAMILIES = 300
"""Families of one provider: the largest gateway has 129."""


@of(tables.Provider)
class Provider(Node):
    slug: auto
    name: auto
    kind: auto
    website_url: URL | None = column()
    docs_url: URL | None = column()
    api_base_url: URL | None = column()
    credential_variables: auto = column(largest=20)
    model_count: auto
    models = connection(
        ModelConnection,
        model_listing,
        under="provider_slug",
        description="Models it serves or used to serve; newest release first by default.",
    )
    families = edge(
        list[Family],
        dataloaders.families_by_provider,
        by="slug",
        largest=MOST_FAMILIES,
        sized_by="first",
        description="Families of the models it serves, by name.",
    )
