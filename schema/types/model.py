"""Models: one model as one provider serves it."""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import Parent, auto, lazy

from schema import dataloaders, tables
from schema.context import Info
from schema.declarations import of
from schema.enums import Capability, Endpoint, Modality, ServiceTier, UseCase
from schema.errors import ClientError
from schema.lists.connection import After, Before, Connection, First, Last
from schema.lists.cursors import Page, Slice
from schema.lists.filters import PriceFilter
from schema.lists.listings import change_listing
from schema.lists.pagination import Nested, nested_pages
from schema.pricing.cost import estimate
from schema.tables import TraitKind
from schema.types.cost import CostEstimate, UsageInput
from schema.types.family import Family
from schema.types.node import Node
from schema.types.parameter import Parameter
from schema.types.price import Price, PriceCard, StandardPrice, cards, select
from schema.types.provider import Provider
from schema.types.source import Fact, facts

if TYPE_CHECKING:
    from schema.types.change import Change

NEW_FOR = timedelta(days=60)
"""How long after its release a model counts as new."""

AsOf = Annotated[datetime | None, strawberry.argument(description="The moment to answer for; by default now.")]
WhichPrices = Annotated[PriceFilter | None, strawberry.argument(description="Which rates.")]


def day_of(as_of: datetime | None, info: Info) -> date:
    return (as_of or info.context.now).date()


async def words(model: tables.Model, info: Info, kind: TraitKind) -> list[str]:
    assert model.id is not None
    return (await info.context.load(dataloaders.traits_by_model, model.id))[kind]


async def rates(model: tables.Model, info: Info) -> list[tables.Rate]:
    assert model.id is not None
    return await info.context.load(dataloaders.rates_by_model, model.id)


async def claims(model: tables.Model, info: Info) -> list[tables.Claim]:
    assert model.id is not None
    return await info.context.load(dataloaders.claims_by_model, model.id)


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

    @strawberry.field(graphql_type=Provider, description="Who serves it.")
    @staticmethod
    async def provider(model: Parent[tables.Model], info: Info) -> Any:
        return await info.context.load(dataloaders.providers, model.provider_slug)

    @strawberry.field(
        graphql_type=Family | None, description="The line of models it belongs to. Sources: curated, models.dev."
    )
    @staticmethod
    async def family(model: Parent[tables.Model], info: Info) -> Any:
        if model.family_slug is None:
            return None
        return await info.context.load(dataloaders.families, model.family_slug)

    @strawberry.field(description="Other names its provider or its clients know it by. Sources: curated, genai-prices.")
    @staticmethod
    async def aliases(model: Parent[tables.Model], info: Info) -> list[str]:
        assert model.id is not None
        return [alias.name for alias in await info.context.load(dataloaders.aliases_by_model, model.id)]

    @strawberry.field(
        graphql_type=list[Annotated["Model", lazy("schema.types.model")]],
        description="The same model at other providers, cheapest input first where prices are published. "
        "Retired listings are left out. Rests on declared rules of identity: rather none than a wrong one.",
    )
    @staticmethod
    async def offers(
        model: Parent[tables.Model],
        info: Info,
        first: Annotated[int | None, strawberry.argument(description="At most so many; by default all.")] = None,
    ) -> Any:
        if first is not None and first < 0:
            raise ClientError(f"first is {first}; it can't be negative.")
        if model.canonical is None:
            return []
        same = await info.context.load(dataloaders.models_by_canonical, model.canonical)
        return [each for each in same if each.provider_slug != model.provider_slug][:first]

    @strawberry.field(
        graphql_type=list[Annotated["Model", lazy("schema.types.model")]],
        description="Every version of this model at its provider, itself included: "
        "the undated name and its dated snapshots, newest release first.",
    )
    @staticmethod
    async def versions(model: Parent[tables.Model], info: Info) -> Any:
        if model.version_of is None:
            return [model]
        return await info.context.load(dataloaders.versions, (model.provider_slug, model.version_of))

    @strawberry.field(description="Whether it was released within the last 60 days.")
    @staticmethod
    def is_new(model: Parent[tables.Model], info: Info) -> bool:
        today = info.context.now.date()
        return model.release_date is not None and today - NEW_FOR <= model.release_date <= today

    @strawberry.field(description="Kinds of content it reads. Sources: curated, models.dev.")
    @staticmethod
    async def input_modalities(model: Parent[tables.Model], info: Info) -> list[Modality]:
        return [Modality[word] for word in await words(model, info, TraitKind.INPUT_MODALITY)]

    @strawberry.field(description="Kinds of content it writes. Sources: curated, models.dev.")
    @staticmethod
    async def output_modalities(model: Parent[tables.Model], info: Info) -> list[Modality]:
        return [Modality[word] for word in await words(model, info, TraitKind.OUTPUT_MODALITY)]

    @strawberry.field(description="What it can do through its provider's API. Sources: curated, models.dev.")
    @staticmethod
    async def capabilities(model: Parent[tables.Model], info: Info) -> list[Capability]:
        return [Capability[word] for word in await words(model, info, TraitKind.CAPABILITY)]

    @strawberry.field(description="Whether it has a capability; false also where no source says so.")
    @staticmethod
    async def supports(
        model: Parent[tables.Model],
        info: Info,
        capability: Annotated[Capability, strawberry.argument(description="The capability asked about.")],
    ) -> bool:
        return capability.name in await words(model, info, TraitKind.CAPABILITY)

    @strawberry.field(description="API surfaces it is reached through. Source: curated.")
    @staticmethod
    async def endpoints(model: Parent[tables.Model], info: Info) -> list[Endpoint]:
        return [Endpoint[word] for word in await words(model, info, TraitKind.ENDPOINT)]

    @strawberry.field(description="What people pick it for. Source: curated.")
    @staticmethod
    async def use_cases(model: Parent[tables.Model], info: Info) -> list[UseCase]:
        return [UseCase[word] for word in await words(model, info, TraitKind.USE_CASE)]

    @strawberry.field(
        graphql_type=StandardPrice,
        description="Today's price at the standard tier and the base context, for the everyday question.",
    )
    @staticmethod
    def price(model: Parent[tables.Model]) -> Any:
        return model

    @strawberry.field(
        description="The rate cards people read: Standard API, Cached input, Batch, Priority, Long context "
        "and the like."
    )
    @staticmethod
    async def price_cards(model: Parent[tables.Model], info: Info, as_of: AsOf = None) -> list[PriceCard]:
        return cards(model, await rates(model, info), day_of(as_of, info))

    @strawberry.field(
        graphql_type=list[Price], description="Every published rate in force, by tier, context size and meter."
    )
    @staticmethod
    async def prices(model: Parent[tables.Model], info: Info, filter: WhichPrices = None, as_of: AsOf = None) -> Any:
        return select(await rates(model, info), filter, day_of(as_of, info))

    @strawberry.field(graphql_type=list[Price], description="Every rate ever in force, oldest first.")
    @staticmethod
    async def price_history(model: Parent[tables.Model], info: Info, filter: WhichPrices = None) -> Any:
        found = select(await rates(model, info), filter)
        return sorted(found, key=lambda rate: (rate.effective_from or date.min, rate.position))

    @strawberry.field(
        graphql_type=CostEstimate,
        description="What this usage costs here. The total is null where a rate it needs is not published, never free.",
    )
    @staticmethod
    async def cost(
        model: Parent[tables.Model],
        info: Info,
        usage: Annotated[UsageInput, strawberry.argument(description="What is used.")],
        service_tier: Annotated[
            ServiceTier,
            strawberry.argument(description="At which tier. Meters it does not reprice keep their standard rate."),
        ] = ServiceTier.STANDARD,
        as_of: AsOf = None,
    ) -> Any:
        return estimate(await rates(model, info), usage.by_meter(), service_tier, as_of or info.context.now)

    @strawberry.field(
        graphql_type=list[Parameter],
        description="Request parameters, the most used first. Sources: curated, models.dev.",
    )
    @staticmethod
    async def parameters(
        model: Parent[tables.Model],
        info: Info,
        supported: Annotated[
            bool | None, strawberry.argument(description="Only those the model takes, or only those it does not.")
        ] = None,
    ) -> Any:
        assert model.id is not None
        found = await info.context.load(dataloaders.parameters_by_model, model.id)
        return [each for each in found if supported is None or each.supported is supported]

    @strawberry.field(
        graphql_type=Parameter | None, description="One request parameter; null when no source mentions it."
    )
    @staticmethod
    async def parameter(
        model: Parent[tables.Model],
        info: Info,
        name: Annotated[str, strawberry.argument(description="As the API spells it: temperature.")],
    ) -> Any:
        assert model.id is not None
        found = await info.context.load(dataloaders.parameters_by_model, model.id)
        return next((each for each in found if each.name == name), None)

    @strawberry.field(
        graphql_type=list[Fact], description="Which source each fact was taken from, and what the other sources say."
    )
    @staticmethod
    async def facts(
        model: Parent[tables.Model],
        info: Info,
        fields: Annotated[
            list[str] | None,
            strawberry.argument(
                description="Only these facts, named as fields of Model: contextWindow, price, price.input."
            ),
        ] = None,
    ) -> Any:
        return facts(await claims(model, info), fields)

    @strawberry.field(graphql_type=list[Fact], description="Facts on which sources disagree.")
    @staticmethod
    async def disputes(model: Parent[tables.Model], info: Info) -> Any:
        return [fact for fact in facts(await claims(model, info), None) if any(claim.disputed for claim in fact)]

    @strawberry.field(
        graphql_type=Connection[Annotated["Change", lazy("schema.types.change")]],
        description="What moved about it from refresh to refresh, the newest first.",
    )
    @staticmethod
    async def changes(
        model: Parent[tables.Model],
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Slice[tables.Change]:
        listing = await change_listing(info.context, None)
        nested = Nested(listing, Page.of(first, after, last, before), "model_ref")
        return await info.context.load(nested_pages, (model.ref, nested))
