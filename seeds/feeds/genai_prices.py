"""genai-prices: rates by tier, context size, time of day and date, with rules for matching references."""

import dataclasses
import re
from datetime import date, time
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schema.columns import dump_json, is_array, is_object, load_json
from schema.vocabulary import ModelStatus
from seeds.catalogue import Catalogue, ModelClaims
from seeds.feeds.genai_rates import METERS, ConditionalShape, PricesShape, VariantShape, standard_rates, variant_rates
from seeds.feeds.models_dev import brief, zero_rates
from seeds.matching import matcher, spellings
from seeds.policy import policy, slugs_by_genai

SLUG = "genai-prices"


class ModelShape(BaseModel):
    model_config = ConfigDict(protected_namespaces=())

    id: str = Field(min_length=1, max_length=300)
    name: str | None = None
    match: dict[str, Any]
    context_window: int | None = Field(default=None, ge=0)
    deprecated: bool | None = None
    prices: PricesShape | list[ConditionalShape]
    price_variants: list[VariantShape] | None = None


class ProviderShape(BaseModel):
    id: str
    name: str
    fallback_model_providers: list[str] | None = None
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
    found.aliases = tuple(dict.fromkeys(name for name in spellings(model.match) if name != model.id))
    found.match = matcher(model.match)
    return found


def parse(content: bytes) -> Catalogue:
    """The catalogue in a published `data.json`. Raises ValueError when it is no such document at all."""
    document = load_json(content.decode("utf-8"))
    if not is_array(document):
        raise ValueError("genai-prices' document is not a JSON array of providers.")
    catalogue = Catalogue(SLUG)
    for entry in document:
        try:
            provider = ProviderShape.model_validate(entry)
        except ValidationError as error:
            catalogue.quarantined.append(f"a provider: {brief(error)}")
            continue
        slug = slugs_by_genai().get(provider.id, provider.id)
        # Where a provider has no price of its own, these providers' prices hold.
        fallback = [slugs_by_genai().get(name, name) for name in provider.fallback_model_providers or ()]
        catalogue.providers[slug] = {"name": provider.name} | ({"fallback": fallback} if fallback else {})
        for raw in provider.models:
            try:
                model = ModelShape.model_validate(raw)
                catalogue.models.append(claims(slug, model))
            except (ValidationError, ValueError, re.error) as error:
                text = brief(error) if isinstance(error, ValidationError) else str(error)
                name = str(raw.get("id") if is_object(raw) else raw)
                catalogue.quarantined.append(f"{slug}/{name:.100}: {text}")
                continue
            for key in sorted(unknown_keys(model)):
                catalogue.quarantined.append(f"{slug}/{model.id}: no meter is known for the price {key}")
    return catalogue


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
