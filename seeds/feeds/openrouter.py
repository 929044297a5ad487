"""OpenRouter: the prices of its own listings, the parameters and content they accept, and when they end."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import time
from decimal import Context, Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from schema.column_types import LARGEST_INTEGER, check_exact, is_array, is_object
from schema.enums import Capability, Meter, Modality, ModelStatus, ParameterKind, PriceUnit
from schema.pricing.rates import USUAL_UNITS, rate_key
from seeds.catalogue import Catalogue, ModelClaims, ParameterClaim, ProviderClaims, RateClaim, first_day, known_facts
from seeds.curated.providers import policy
from seeds.feeds.fetch import FeedError
from seeds.feeds.validation import Count, ModelEntry, Price, Slug, Text, called, checked, document, keep_models

SLUG = "openrouter"
PROVIDER = "openrouter"
EXPECTED = "OpenRouter's JSON object with its list of models under data"

METERS = {
    "prompt": Meter.INPUT,
    "completion": Meter.OUTPUT,
    "input_cache_read": Meter.CACHE_READ,
    "input_cache_write": Meter.CACHE_WRITE,
    "input_cache_write_1h": Meter.CACHE_WRITE_1H,
    "internal_reasoning": Meter.REASONING,
    "audio": Meter.INPUT_AUDIO,
    "audio_output": Meter.OUTPUT_AUDIO,
    "input_audio_cache": Meter.CACHE_READ_AUDIO,
    "request": Meter.REQUEST,
    "web_search": Meter.WEB_SEARCH,
}
"""Price key -> meter. Upstream, the prices are those of one token, request or search."""
UNMETERED = frozenset({"image", "image_token", "image_output"})
"""Prices per image: there is no meter for images."""
KNOWN_PRICES = UNMETERED | METERS.keys()
CONDITIONS = frozenset({"min_prompt_tokens", "utc_start", "utc_end"})
CAPABILITIES = {
    "tools": Capability.FUNCTION_CALLING,
    "parallel_tool_calls": Capability.PARALLEL_FUNCTION_CALLING,
    "structured_outputs": Capability.STRUCTURED_OUTPUT,
    "response_format": Capability.JSON_MODE,
    "reasoning": Capability.REASONING,
    "logprobs": Capability.LOG_PROBABILITIES,
    "prediction": Capability.PREDICTED_OUTPUT,
    "web_search_options": Capability.WEB_SEARCH,
}
"""Parameter -> the capability of a model that accepts it."""
KINDS = {
    "temperature": ParameterKind.NUMBER,
    "top_p": ParameterKind.NUMBER,
    "top_k": ParameterKind.INTEGER,
    "top_a": ParameterKind.NUMBER,
    "min_p": ParameterKind.NUMBER,
    "frequency_penalty": ParameterKind.NUMBER,
    "presence_penalty": ParameterKind.NUMBER,
    "repetition_penalty": ParameterKind.NUMBER,
    "max_tokens": ParameterKind.INTEGER,
    "max_completion_tokens": ParameterKind.INTEGER,
    "seed": ParameterKind.INTEGER,
    "logit_bias": ParameterKind.OBJECT,
    "logprobs": ParameterKind.BOOLEAN,
    "top_logprobs": ParameterKind.INTEGER,
    "response_format": ParameterKind.OBJECT,
    "structured_outputs": ParameterKind.BOOLEAN,
    "tools": ParameterKind.ARRAY,
    "parallel_tool_calls": ParameterKind.BOOLEAN,
    "include_reasoning": ParameterKind.BOOLEAN,
    "reasoning": ParameterKind.OBJECT,
    "reasoning_effort": ParameterKind.ENUM,
    "prediction": ParameterKind.OBJECT,
    "web_search_options": ParameterKind.OBJECT,
}
"""The kinds of value in OpenRouter's request format, the same for every model."""
INPUTS = {
    "text": (Modality.TEXT, None),
    "image": (Modality.IMAGE, Capability.VISION),
    "file": (Modality.PDF, Capability.FILE_INPUT),
    "audio": (Modality.AUDIO, Capability.AUDIO_INPUT),
    "video": (Modality.VIDEO, Capability.VIDEO_INPUT),
}
OUTPUTS = {
    "text": (Modality.TEXT, None),
    "image": (Modality.IMAGE, Capability.IMAGE_GENERATION),
    "audio": (Modality.AUDIO, None),
    "video": (Modality.VIDEO, Capability.VIDEO_GENERATION),
    "embeddings": (Modality.EMBEDDING, None),
    "speech": (Modality.AUDIO, Capability.SPEECH_GENERATION),
    "transcription": (Modality.TEXT, Capability.TRANSCRIPTION),
}
EXACT = Context(prec=100)


def _clock(value: object) -> time:
    """A time of day from its hours and minutes in one number: 1030 -> 10:30."""
    if not isinstance(value, (int, Decimal)) or not 0 <= value <= 2400 or value != int(value):
        raise ValueError("it is not a time of day")
    return time(int(value) // 100 % 24, int(value) % 100)


Words = Annotated[list[Text], Field(max_length=200)]
Clock = Annotated[time, BeforeValidator(_clock)]


class PricingShape(BaseModel):
    """US dollars for one token, request or search."""

    model_config = ConfigDict(extra="allow")

    prompt: Decimal
    completion: Decimal
    discount: Decimal = Decimal(0)
    overrides: list[dict[str, object]] = Field(default=[], max_length=100)


class OverrideShape(BaseModel):
    min_prompt_tokens: Count = 0
    utc_start: Clock | None = None
    utc_end: Clock | None = None


class AmountShape(BaseModel):
    amount: Price


class ArchitectureShape(BaseModel):
    input_modalities: Words = []
    output_modalities: Words = []


class TopShape(BaseModel):
    max_completion_tokens: Count | None = None


class ReasoningShape(BaseModel):
    supported_efforts: list[Text | None] | None = Field(default=None, max_length=20)
    default_effort: Text | None = None


class ModelShape(ModelEntry):
    canonical_slug: Slug | None = None
    name: Text
    context_length: Count | None = None
    knowledge_cutoff: Text | None = None
    expiration_date: Text | None = None
    architecture: ArchitectureShape = ArchitectureShape()
    pricing: PricingShape
    top_provider: TopShape | None = None
    supported_parameters: Words = []
    default_parameters: dict[str, object] | None = None
    reasoning: ReasoningShape | None = None


def rates(model: ModelShape) -> Iterator[RateClaim]:
    """Every rate the entry states. The provider's policy says what a zero means."""
    pricing = model.pricing
    if -1 in (pricing.prompt, pricing.completion) or pricing.discount:
        # -1: a router costs what the model it picks costs. A discount: prices may or may not include it.
        return
    stated = pricing.model_dump(exclude={"overrides", "discount"})
    base = list(_rates(stated, OverrideShape()))
    priced = any(rate.amount and rate.meter is not Meter.WEB_SEARCH for rate in base)
    if not priced and not any(_amount(stated, key) for key in UNMETERED):
        yield from policy(PROVIDER).zero_rates(model.id)
    found = {rate_key(rate): rate for rate in base}
    for entry in pricing.overrides:
        if entry.keys() - KNOWN_PRICES - CONDITIONS:
            continue  # under an unknown condition
        when = OverrideShape.model_validate(entry)
        if (when.utc_start is None) is (when.utc_end is None):
            # If two entries have the same conditions, the later one applies.
            found |= {rate_key(rate): rate for rate in _rates(entry, when)}
    yield from (rate for rate in found.values() if rate.amount)


def _rates(prices: dict[str, object], when: OverrideShape) -> Iterator[RateClaim]:
    """The prices that have a meter, converted to the price of its usual unit."""
    for key, meter in METERS.items():
        if prices.get(key) is not None:
            unit = USUAL_UNITS[meter]
            count = 1_000_000 if unit is PriceUnit.PER_MILLION_TOKENS else 1_000
            yield RateClaim(
                meter,
                check_exact(EXACT.multiply(_amount(prices, key), count)),
                unit,
                min_context_tokens=when.min_prompt_tokens,
                daily_from=when.utc_start,
                daily_to=when.utc_end,
            )


def _amount(prices: dict[str, object], key: str) -> Decimal:
    price = prices.get(key)
    return Decimal(0) if price is None else AmountShape.model_validate({"amount": price}).amount


def _default(value: object) -> int | Decimal | None:
    """A default that is a number; other defaults are objects of the request format."""
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, Decimal))
        or not -LARGEST_INTEGER <= value <= LARGEST_INTEGER
    ):
        return None
    with suppress(ValueError):
        check_exact(Decimal(value))
        return int(value) if value == int(value) else value
    return None


def parameters(model: ModelShape) -> Iterator[ParameterClaim]:
    defaults = model.default_parameters or {}
    reasoning = model.reasoning or ReasoningShape()
    for name in dict.fromkeys(model.supported_parameters):
        kind = KINDS.get(name)
        if name == "reasoning_effort":
            efforts = tuple(effort for effort in reasoning.supported_efforts or () if effort)
            default = reasoning.default_effort
            yield ParameterClaim(name, kind=kind, default=default, allowed_values=efforts or None)
        else:
            yield ParameterClaim(name, kind=kind, default=_default(defaults.get(name)))


def claims(model: ModelShape) -> ModelClaims:
    found = ModelClaims(PROVIDER, model.id)
    ending = first_day(model.expiration_date)
    facts: dict[str, object] = {
        # "OpenAI: GPT-4.1 Mini" -> "GPT-4.1 Mini": the maker is a separate fact.
        "name": model.name.partition(": ")[2] or model.name,
        "context_window": model.context_length or None,
        "max_output_tokens": (model.top_provider and model.top_provider.max_completion_tokens) or None,
        "knowledge_cutoff_text": model.knowledge_cutoff if first_day(model.knowledge_cutoff) else None,
        "status": ModelStatus.DEPRECATED if ending else None,
        "retirement_date": ending,
    }
    found.capabilities = {CAPABILITIES[name].name: True for name in model.supported_parameters if name in CAPABILITIES}
    for direction, known in (("input", INPUTS), ("output", OUTPUTS)):
        words: list[str] = getattr(model.architecture, f"{direction}_modalities")
        pairs = [known[word] for word in words if word in known]
        facts[f"{direction}_modalities"] = frozenset(modality.name for modality, _ in pairs) or None
        found.capabilities |= {capability.name: True for _, capability in pairs if capability}
    found.facts = known_facts(facts)
    found.parameters = {parameter.name: parameter for parameter in parameters(model)}
    found.rates = list(rates(model))
    # A variant (:free, :batch) and a moving alias (~) have the permanent slug of the model they lead to.
    if model.canonical_slug and model.canonical_slug != model.id and not {":", "~"} & set(model.id):
        found.aliases = (model.canonical_slug,)
    return found


def parse(content: bytes) -> Catalogue:
    """The catalogue in an answer of `/api/v1/models`. Raises FeedError if the content has another format."""
    found = document(content, EXPECTED)
    page = found if is_object(found) else {}
    listed = page.get("data")
    catalogue = Catalogue(SLUG)
    catalogue.providers[PROVIDER] = ProviderClaims("OpenRouter")
    entries = ((called(entry), entry) for entry in (listed if is_array(listed) else ()))
    models = keep_models(catalogue, ModelShape, claims, entries)
    unknown = Counter(key for model in models for key in (model.pricing.model_extra or {}).keys() - KNOWN_PRICES)
    for key, count in sorted(unknown.items()):
        catalogue.quarantine(f"{count:,} models", f"no meter is known for the price {key}", 0)
    checked(catalogue, EXPECTED)
    links, total = page.get("links"), page.get("total_count")
    if is_object(links) and links.get("next"):
        raise FeedError(
            f"The content is one page of OpenRouter's models: {catalogue.entries:,} "
            f"of {f'{total:,}' if isinstance(total, int) else 'more'}. "
            "Remove limit and offset from its URL to get all of them."
        )
    return catalogue


def bundled() -> None:
    """No package contains OpenRouter's models."""
