"""Families: lines of models that share a name."""

from typing import TYPE_CHECKING, Annotated, TypeAlias

from strawberry import auto, lazy

from schema import dataloaders, tables
from schema.declarations import edge, of
from schema.lists.connection import connection
from schema.lists.listings import models_of_family
from schema.types.facets import ModelConnection
from schema.types.node import Node

if TYPE_CHECKING:
    from schema.types.model import Model

MaybeModel: TypeAlias = Annotated["Model", lazy("schema.types.model")] | None


@of(tables.Family)
class Family(Node):
    slug: auto
    name: auto
    model_count: auto
    default_model = edge(
        MaybeModel,
        dataloaders.models_by_ref,
        by="default_model_ref",
        description="The model to start with; null if none is recommended. Source: curated.",
    )
    models = connection(
        ModelConnection,
        models_of_family,
        under="family_slug",
        description="Models of this family at all providers; newest release first by default.",
    )
