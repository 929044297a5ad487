"""genai-prices: rates by tier, context size, time of day and date, with rules for matching references."""

import dataclasses
from datetime import date, time
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from schema.column_types import dump_json, is_array, is_object
from schema.enums import ModelStatus
from seeds.catalogue import Catalogue, ModelClaims
from seeds.curated.providers import policy, slugs_by_genai
from seeds.feeds.genai_rates import METERS, ConditionalShape, PricesShape, VariantShape, standard_rates, variant_rates
from seeds.feeds.match_rules import matcher, spellings
from seeds.feeds.models_dev import zero_rates
from seeds.feeds.shapes import Count, ProviderSlug, Slug, Text, brief, called, checked, document, fit

SLUG = "genai-prices"
EXPECTED = "genai-prices' JSON array of providers"


class ModelShape(BaseModel):
    model_config = ConfigDict(protected_namespaces=())

    id: Slug
    name: Text | None = None
    match: Any
    context_window: Count | None = None
    deprecated: bool | None = None
    prices: PricesShape | Annotated[list[ConditionalShape], Field(max_length=100)]
    price_variants: list[VariantShape] | None = Field(default=None, max_length=100)


class ProviderShape(BaseModel):
    id: ProviderSlug
    name: Text
    fallback_model_providers: list[ProviderSlug] | None = None
    models: list[Any]


def claims(provider: str, model: ModelShape) -> ModelClaims:
    found = ModelClaims(provider, model.id)
    if model.name:
        found.facts["name"] = model.name
    if model.context_window:
        found.facts["context_window"] = model.context_window
    if model.deprecated:
        found.facts["status"] = ModelStatus.DEPRECATED
    found.rates = [*standard_rates(model.prices), *variant_rates(model.price_variants or ())]
    if not found.rates:
        # An entry without any price: free, part of a subscription, or simply not known, as the provider's policy says.
        found.rates = list(zero_rates(policy(provider).zero(model.id)))
    found.match = matcher(model.match)
    found.aliases = tuple(dict.fromkeys(fit(name) for name in spellings(model.match) if name != model.id))
    return found


def parse(content: bytes) -> Catalogue:
    """The catalogue in a published `data.json`. Raises FeedError when it is no such document at all."""
    found = document(content, EXPECTED)
    catalogue = Catalogue(SLUG)
    for entry in found if is_array(found) else ():
        try:
            provider = ProviderShape.model_validate(entry)
            slug = slugs_by_genai().get(provider.id, provider.id)
            if slug in catalogue.providers:
                raise ValueError("it is listed twice")
        except ValueError as error:
            models = entry.get("models") if is_object(entry) else None
            catalogue.quarantine(f"provider {called(entry)}", brief(error), len(models) if is_array(models) else 1)
            continue
        # Where a provider has no price of its own, these providers' prices hold.
        fallback = [slugs_by_genai().get(name, name) for name in provider.fallback_model_providers or ()]
        catalogue.providers[slug] = {"name": provider.name} | ({"fallback": fallback} if fallback else {})
        known: set[str] = set()
        for raw in provider.models:
            try:
                model = ModelShape.model_validate(raw)
                if model.id in known:
                    raise ValueError("it is listed twice")
                known.add(model.id)
                catalogue.keep(claims(slug, model))
            except ValueError as error:
                catalogue.quarantine(f"{slug}/{called(raw)}", brief(error))
                continue
            for key in sorted(unknown_keys(model)):
                catalogue.quarantine(f"{slug}/{model.id}", f"no meter is known for the price {key}", 0)
    return checked(catalogue, EXPECTED)


def _raw(value: Any) -> Any:
    """A package object in the form of the published JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        pairs = ((item.name.rstrip("_"), getattr(value, item.name)) for item in dataclasses.fields(value))
        return {name: _raw(each) for name, each in pairs if each is not None and name != "extractors"}
    if is_array(value):
        return [_raw(each) for each in value]
    if is_object(value):
        return {name: _raw(each) for name, each in value.items()}
    if isinstance(value, (date, time)):
        return value.isoformat()
    if type(value).__name__ == "ModelPrice":
        return {name: _raw(each) for name, each in vars(value).items() if each is not None}
    return value


def bundled() -> bytes:
    """The data of the package genai-prices, in the form of its published `data.json`."""
    from genai_prices.data import providers  # half a second to import: only when asked

    return dump_json(_raw(providers)).encode()


def unknown_keys(model: ModelShape) -> set[str]:
    """Price keys this feed has no meter for."""
    sets = [entry.prices for entry in model.prices] if isinstance(model.prices, list) else [model.prices]
    sets += [variant.prices for variant in model.price_variants or ()]
    return {key for prices in sets for key, price in prices.items() if price is not None and key not in METERS}
