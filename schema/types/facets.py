"""The connection of models: a page of them, and facets of the whole list."""

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


def facet(name: str, description: str, *, range_: object = None, values: int | None = None) -> Any:
    """A facet of the page's list: counts, of at most so many `values`, or a range."""

    def by(page: Slice[object]) -> Key:
        return name, page.listing, page.parent

    if range_ is not None:
        return edge(range_, facets, by=by, description=description)
    sized_by = "first" if values is None else None
    largest = MOST_VALUES if values is None else values
    return edge(list[Facet], facets, by=by, weight=COUNTED, sized_by=sized_by, largest=largest, description=description)


@strawberry.type(
    description="How many models of a list have each value they can be filtered by: largest count first, then by "
    "label. Counts apply the list's filter and search. A facet that ignores one filter says so; it ignores that filter "
    "only at the top level of `filter`, not inside and, or and not."
)
class ModelFacets:
    providers = facet(
        "providers", "Providers, by slug. Ignores the filter `providers`: a count is how many models its value adds."
    )
    families = facet(
        "families", "Families, by slug. Ignores the filter `families`: a count is how many models its value adds."
    )
    capabilities = facet(
        "capabilities",
        "Capabilities. The filter `capabilities` applies, since it requires all of its values: "
        "a count is the number of models left once the value is added to it.",
        values=len(Capability),
    )
    input_modalities = facet(
        "input_modalities",
        "Input modalities. The filter `inputModalities` applies, since it requires all of its values: "
        "a count is the number of models left once the value is added to it.",
        values=len(Modality),
    )
    statuses = facet(
        "statuses",
        "Statuses. Ignores the filter `statuses`: a count is how many models its value adds.",
        values=len(ModelStatus),
    )
    access_types = facet(
        "access_types",
        "Access types. Ignores the filter `accessTypes`: a count is how many models its value adds.",
        values=len(AccessType),
    )
    input_price = facet(
        "input_price",
        "Range of standard input prices, in USD per 1M tokens, over the models with a known price. "
        "Ignores the filter `maxInputPrice`.",
        range_=DecimalRange,
    )
    context_window = facet(
        "context_window",
        "Range of context windows, in tokens, over the models with a known one. Ignores the filter `minContextWindow`.",
        range_=IntRange,
    )


@strawberry.type(description="One page of a list of models, and facets of the whole list.")
class ModelConnection(Connection[Annotated["Model", lazy("schema.types.model")]]):
    @field(ModelFacets, once=True)
    @staticmethod
    def facets(page: Slice[object]) -> Slice[object]:
        """Facets of the whole list under its filter and search. Only the requested facets are counted."""
        return page
