"""The connection of models: a page of them, and facets of the whole list."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import lazy

from schema.declarations import edge, field
from schema.enums import AccessType, Capability, Modality, ModelStatus
from schema.lists.connection import Connection
from schema.lists.cursors import Slice
from schema.lists.facets import DecimalRange, Facet, IntRange, Key, facets

if TYPE_CHECKING:
    from schema.types.model import Model

COUNTED = 100
"""Weight of a facet with many values, about the work of counting it."""
MOST_VALUES = 1_000
"""Values of a facet: the registry has 156 providers and 269 families."""


def key(name: str) -> Callable[[Slice[Any]], Key]:
    return lambda page: (name, page.listing, page.parent)


@strawberry.type(
    description="How many models of a list have each value one can filter by. The largest count comes first, then by "
    "label. A count follows the filter and the search of the list, except that some facets, as they say, ignore one "
    "filter: the one at the top level of `filter`, not inside its and, or and not."
)
class ModelFacets:
    providers = edge(
        list[Facet],
        facets,
        by=key("providers"),
        weight=COUNTED,
        largest=MOST_VALUES,
        sized_by="first",
        description="Providers, by slug. Ignores the filter `providers`: the counts show what adding one would bring.",
    )
    families = edge(
        list[Facet],
        facets,
        by=key("families"),
        weight=COUNTED,
        largest=MOST_VALUES,
        sized_by="first",
        description="Families, by slug. Ignores the filter `families`: the counts show what adding one would bring.",
    )
    capabilities = edge(
        list[Facet],
        facets,
        by=key("capabilities"),
        weight=COUNTED,
        largest=len(Capability),
        description="Capabilities. The filter `capabilities` applies, since it requires all of its values: "
        "a count is the number of models left once the value is added to it.",
    )
    input_modalities = edge(
        list[Facet],
        facets,
        by=key("input_modalities"),
        weight=COUNTED,
        largest=len(Modality),
        description="Input modalities. The filter `inputModalities` applies, since it requires all of its values: "
        "a count is the number of models left once the value is added to it.",
    )
    statuses = edge(
        list[Facet],
        facets,
        by=key("statuses"),
        weight=COUNTED,
        largest=len(ModelStatus),
        description="Statuses. Ignores the filter `statuses`: the counts show what adding one would bring.",
    )
    access_types = edge(
        list[Facet],
        facets,
        by=key("access_types"),
        weight=COUNTED,
        largest=len(AccessType),
        description="Access types. Ignores the filter `accessTypes`: the counts show what adding one would bring.",
    )
    input_price = edge(
        DecimalRange,
        facets,
        by=key("input_price"),
        description="Range of standard input prices, in USD per 1M tokens, over the models with a known price. "
        "Ignores the filter `maxInputPrice`.",
    )
    context_window = edge(
        IntRange,
        facets,
        by=key("context_window"),
        description="Range of context windows, in tokens, over the models with a known one. "
        "Ignores the filter `minContextWindow`.",
    )


@strawberry.type(description="One page of a list of models, and facets of the whole list.")
class ModelConnection(Connection[Annotated["Model", lazy("schema.types.model")]]):
    @field(ModelFacets, once=True)
    @staticmethod
    def facets(page: Slice[Any]) -> Any:
        """Facets of the whole list under its filter and search. Only the requested facets are counted."""
        return page
