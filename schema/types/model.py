"""Models: one model as one provider serves it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from strawberry import auto, lazy

from schema import dataloaders, tables
from schema.declarations import Clock, argument, edge, field, of
from schema.enums import Capability, Endpoint, Modality, ServiceTier, UseCase
from schema.lists.connection import Connection, connection
from schema.lists.filters import PriceFilter, check_list
from schema.lists.listings import all_changes
from schema.pricing.cards import Card, cards
from schema.pricing.cost import Estimate, estimate
from schema.tables import TraitKind
from schema.types.cost import CostEstimate, UsageInput
from schema.types.family import Family
from schema.types.node import Node
from schema.types.parameter import Parameter
from schema.types.price import Price, PriceCard, StandardPrice, select
from schema.types.provider import Provider
from schema.types.source import Fact, facts

if TYPE_CHECKING:
    from schema.types.change import Change

NEW_FOR = timedelta(days=60)
"""How long a model counts as new after its release."""
# The most entries of each list, well above what the bundled registry has; a test measures that.
MOST_ALIASES = 50
MOST_OFFERS = 150
MOST_VERSIONS = 50
MOST_CARDS = 50
MOST_PRICES = 80
MOST_PAST_PRICES = 500
MOST_PARAMETERS = 40
MOST_FACTS = 200

Models: TypeAlias = list[Annotated["Model", lazy("schema.types.model")]]
Rates: TypeAlias = Sequence[tables.Rate]
Traits: TypeAlias = Mapping[TraitKind, list[str]]
AsOf = Annotated[datetime | None, argument("The time to answer for; by default the time of the request.")]
WhichPrices = Annotated[PriceFilter | None, argument("Which rates to list.")]


def traits(kind: TraitKind, enum: type[Enum], description: str) -> Any:
    """The traits of one kind."""

    def values(_: tables.Model, found: Traits) -> list[Enum]:
        return [enum[value] for value in found[kind]]

    values.__doc__ = description
    return field(list[enum], needs=dataloaders.traits_by_model, largest=len(enum))(values)  # type: ignore[valid-type] # a list of this enum


def day_of(as_of: datetime | None, today: date) -> date:
    return today if as_of is None else as_of.date()


@of(tables.Model)
class Model(Node):
    ref: auto
    slug: auto
    name: auto
    is_latest_version: auto
    status: auto
    access_type: auto
    license: auto
    parameter_size: auto
    tagline: auto
    description: auto
    best_for: auto
    is_flagship: auto
    is_recommended: auto
    context_window: auto
    max_input_tokens: auto
    max_output_tokens: auto
    knowledge_cutoff: auto
    knowledge_cutoff_text: auto
    release_date: auto
    deprecation_date: auto
    retirement_date: auto
    updated_at: auto

    provider = edge(Provider, dataloaders.providers, by="provider_slug", description="The provider that serves it.")
    family = edge(
        Family | None,
        dataloaders.families,
        by="family_slug",
        description="The family it belongs to; null if it has none. Sources: curated, models.dev.",
    )
    input_modalities = traits(
        TraitKind.INPUT_MODALITY, Modality, "Content types it accepts as input. Sources: curated, models.dev."
    )
    output_modalities = traits(
        TraitKind.OUTPUT_MODALITY, Modality, "Content types it produces. Sources: curated, models.dev."
    )
    capabilities = traits(
        TraitKind.CAPABILITY, Capability, "What it can do through its provider's API. Sources: curated, models.dev."
    )
    endpoints = traits(TraitKind.ENDPOINT, Endpoint, "API endpoints it is available through. Source: curated.")
    use_cases = traits(TraitKind.USE_CASE, UseCase, "What it is recommended for. Source: curated.")
    changes = connection(
        Connection[Annotated["Change", lazy("schema.types.change")]],
        all_changes,
        under="model_ref",
        by="ref",
        description="Changes to this model, newest first.",
    )

    @field(list[str], needs=dataloaders.aliases_by_model, largest=MOST_ALIASES, sized_by="first")
    @staticmethod
    def aliases(_: tables.Model, aliases: Sequence[tables.Alias]) -> Sequence[str]:
        """Other names that the provider or its clients use. Sources: curated, genai-prices."""
        return [alias.name for alias in aliases]

    @field(Models, needs=dataloaders.models_by_canonical, by="canonical", largest=MOST_OFFERS, sized_by="first")
    @staticmethod
    def offers(model: tables.Model, same: Sequence[tables.Model] | None) -> list[tables.Model]:
        """The same model at other providers, lowest input price first, unknown prices last. Retired listings are left
        out. A listing counts as the same model only if declared rules identify it with certainty."""
        return [offer for offer in same or () if offer.provider_slug != model.provider_slug]

    @field(
        Models,
        needs=dataloaders.versions,
        by=lambda model: None if model.version_of is None else (model.provider_slug, model.version_of),
        largest=MOST_VERSIONS,
        sized_by="first",
    )
    @staticmethod
    def versions(model: tables.Model, versions: Sequence[tables.Model] | None) -> Sequence[tables.Model]:
        """All versions of this model at its provider, including itself: the undated name and dated snapshots, newest
        release first."""
        return [model] if versions is None else versions

    @field(clock=Clock.DAY)
    @staticmethod
    def is_new(model: tables.Model, today: date) -> bool:
        """True if it was released in the last 60 days."""
        return model.release_date is not None and today - NEW_FOR <= model.release_date <= today

    @field(needs=dataloaders.traits_by_model)
    @staticmethod
    def supports(
        _: tables.Model, found: Traits, capability: Annotated[Capability, argument("The capability to look for.")]
    ) -> bool:
        """True if it has this capability; false if not, or if no source says so."""
        return capability.name in found[TraitKind.CAPABILITY]

    @field(StandardPrice)
    @staticmethod
    def price(model: tables.Model) -> tables.Model:
        """The current standard price, in USD per 1M tokens."""
        return model

    @field(list[PriceCard], needs=dataloaders.rates_by_model, clock=Clock.DAY, largest=MOST_CARDS, sized_by="first")
    @staticmethod
    def price_cards(_: tables.Model, rates: Rates, today: date, as_of: AsOf = None) -> list[Card]:
        """Its price list: Standard API, Cached input, Batch, Priority, Long context and so on."""
        return cards(rates, day_of(as_of, today))

    @field(list[Price], needs=dataloaders.rates_by_model, clock=Clock.DAY, largest=MOST_PRICES, sized_by="first")
    @staticmethod
    def prices(
        _: tables.Model, rates: Rates, today: date, filter: WhichPrices = None, as_of: AsOf = None
    ) -> list[tables.Rate]:
        """All known rates in force, by service tier, context size and meter. Sources: genai-prices, models.dev."""
        return select(rates, filter, day_of(as_of, today))

    @field(list[Price], needs=dataloaders.rates_by_model, largest=MOST_PAST_PRICES, sized_by="first")
    @staticmethod
    def price_history(_: tables.Model, rates: Rates, filter: WhichPrices = None) -> list[tables.Rate]:
        """All rates that are or were in force, oldest first."""
        return sorted(select(rates, filter), key=lambda rate: (rate.effective_from or date.min, rate.position))

    @field(CostEstimate, needs=dataloaders.rates_by_model, clock=Clock.INSTANT)
    @staticmethod
    def cost(
        _: tables.Model,
        rates: Rates,
        now: datetime,
        usage: Annotated[UsageInput, argument("The usage to estimate.")],
        service_tier: Annotated[
            ServiceTier,
            argument("The service tier to use. Meters without a rate at this tier keep their standard rate."),
        ] = ServiceTier.STANDARD,
        as_of: AsOf = None,
    ) -> Estimate:
        """What this usage costs. The total is null, never zero, if a required rate is unknown. A usage with negative
        counts, or with parts that exceed their total, is refused with BAD_USER_INPUT."""
        return estimate(rates, usage.by_meter(), service_tier, as_of or now)

    @field(list[Parameter], needs=dataloaders.parameters_by_model, largest=MOST_PARAMETERS, sized_by="first")
    @staticmethod
    def parameters(
        _: tables.Model,
        parameters: Sequence[tables.Parameter],
        supported: Annotated[
            bool | None, argument("Only supported ones (true) or only unsupported ones (false).")
        ] = None,
    ) -> list[tables.Parameter]:
        """Request parameters, the most used first. Sources: curated, models.dev."""
        return [parameter for parameter in parameters if supported is None or parameter.supported is supported]

    @field(Parameter | None, needs=dataloaders.parameters_by_model)
    @staticmethod
    def parameter(
        _: tables.Model,
        parameters: Sequence[tables.Parameter],
        name: Annotated[str, argument("Its name in the provider's API: temperature.")],
    ) -> tables.Parameter | None:
        """One request parameter by name; null if no source mentions it."""
        return next((parameter for parameter in parameters if parameter.name == name), None)

    @field(list[Fact], needs=dataloaders.claims_by_model, largest=MOST_FACTS, sized_by="first")
    @staticmethod
    def facts(
        _: tables.Model,
        claims: Sequence[tables.Claim],
        fields: Annotated[
            list[str] | None,
            argument("Only these fields of Model and those below them: contextWindow, price, price.input."),
        ] = None,
    ) -> list[list[tables.Claim]]:
        """The source of each fact, and what other sources say."""
        check_list("fields", fields)
        return facts(claims, fields)

    @field(list[Fact], needs=dataloaders.claims_by_model, largest=MOST_FACTS, sized_by="first")
    @staticmethod
    def disputes(_: tables.Model, claims: Sequence[tables.Claim]) -> list[list[tables.Claim]]:
        """Facts on which sources disagree."""
        return [fact for fact in facts(claims, None) if any(claim.disputed for claim in fact)]
