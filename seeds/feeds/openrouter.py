"""OpenRouter: what its own offers cost, which parameters and content they take, and when they are to end."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import time
from decimal import Context, Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from schema.column_types import LARGEST_INTEGER, check_exact, is_array, is_object
from schema.enums import Capability, Meter, Modality, ModelStatus, ParameterKind, PriceUnit
from seeds.catalogue import Catalogue, ModelClaims, ParameterClaim, RateClaim
from seeds.curated.providers import policy
from seeds.feeds.fetch import FeedError
from seeds.feeds.models_dev import day, zero_rates
from seeds.feeds.shapes import Count, Price, Slug, Text, brief, called, checked, document

SLUG = "openrouter"
PROVIDER = "openrouter"
EXPECTED = "OpenRouter's JSON object with its list of models under data"

TOKENS = PriceUnit.PER_MILLION_TOKENS
METERS: dict[str, tuple[Meter, PriceUnit, int]] = {
    "prompt": (Meter.INPUT, TOKENS, 1_000_000),
    "completion": (Meter.OUTPUT, TOKENS, 1_000_000),
    "input_cache_read": (Meter.CACHE_READ, TOKENS, 1_000_000),
    "input_cache_write": (Meter.CACHE_WRITE, TOKENS, 1_000_000),
    "input_cache_write_1h": (Meter.CACHE_WRITE_1H, TOKENS, 1_000_000),
    "internal_reasoning": (Meter.REASONING, TOKENS, 1_000_000),
    "audio": (Meter.INPUT_AUDIO, TOKENS, 1_000_000),
    "audio_output": (Meter.OUTPUT_AUDIO, TOKENS, 1_000_000),
    "input_audio_cache": (Meter.CACHE_READ_AUDIO, TOKENS, 1_000_000),
    "request": (Meter.REQUEST, PriceUnit.PER_THOUSAND_REQUESTS, 1_000),
    "web_search": (Meter.WEB_SEARCH, PriceUnit.PER_THOUSAND_SEARCHES, 1_000),
}
"""Price -> meter, unit, and how many of the tokens, requests or searches that are priced one unit pays for."""
UNMETERED = frozenset({"image", "image_token", "image_output"})
"""Prices by the picture: no meter counts pictures."""
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
"""Parameter -> what a model that takes it can do."""
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
"""The kinds of value OpenRouter's request format takes, whichever model it goes to."""
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


def _clock(value: Any) -> time:
    """A time of day from its hours and minutes in one number: 1030 is half past ten."""
    if not isinstance(value, (int, Decimal)) or not 0 <= value <= 2400 or value != int(value):
        raise ValueError("it is no time of day")
    return time(int(value) // 100 % 24, int(value) % 100)


Words = Annotated[list[Text], Field(max_length=200)]
Clock = Annotated[time, BeforeValidator(_clock)]


class PricingShape(BaseModel):
    """Dollars for one token, request or search."""

    model_config = ConfigDict(extra="allow")

    prompt: Decimal
    completion: Decimal
    discount: Decimal = Decimal(0)
    overrides: list[dict[str, Any]] = Field(default=[], max_length=100)


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


class ModelShape(BaseModel):
    id: Slug
    canonical_slug: Slug | None = None
    name: Text
    context_length: Count | None = None
    knowledge_cutoff: Text | None = None
    expiration_date: Text | None = None
    architecture: ArchitectureShape = ArchitectureShape()
    pricing: PricingShape
    top_provider: TopShape | None = None
    supported_parameters: Words = []
    default_parameters: dict[str, Any] | None = None
    reasoning: ReasoningShape | None = None


def rates(model: ModelShape) -> Iterator[RateClaim]:
    """Every rate the entry states. A zero becomes what the provider's policy says it means."""
    pricing = model.pricing
    if -1 in (pricing.prompt, pricing.completion) or pricing.discount:
        # -1: a router costs what the model it picks costs. A discount: it is not said whether prices contain it.
        return
    stated = pricing.model_dump(exclude={"overrides", "discount"})
    base = {key: amount for key, amount in amounts(stated) if amount}
    if not base.keys() - {"web_search"} and not any(_amount(stated, key) for key in UNMETERED):
        yield from zero_rates(policy(PROVIDER).zero(model.id))
    found: dict[tuple[str, int, time | None, time | None], Decimal] = {
        (key, 0, None, None): amount for key, amount in base.items()
    }
    for entry in pricing.overrides:
        if entry.keys() - METERS.keys() - UNMETERED - CONDITIONS:
            continue  # under a condition nobody here knows
        when = OverrideShape.model_validate(entry)
        if (when.utc_start is None) is (when.utc_end is None):
            # Of two entries for the same case the later one holds.
            found |= {
                (key, when.min_prompt_tokens, when.utc_start, when.utc_end): amount for key, amount in amounts(entry)
            }
    for (key, size, since, until), amount in found.items():
        if amount:
            meter, unit, _ = METERS[key]
            yield RateClaim(meter, amount, unit, min_context_tokens=size, daily_from=since, daily_to=until)


def _amount(prices: dict[str, Any], key: str) -> Decimal:
    price = prices.get(key)
    return Decimal(0) if price is None else AmountShape(amount=price).amount


def amounts(prices: dict[str, Any]) -> Iterator[tuple[str, Decimal]]:
    """Each price that a meter is known for, times what its unit pays for."""
    for key, (_, _, units) in METERS.items():
        if prices.get(key) is not None:
            yield key, check_exact(EXACT.multiply(_amount(prices, key), units))


def _default(value: Any) -> int | Decimal | None:
    """A default that is a number; the others are objects of the request's format."""
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
    ending = day(model.expiration_date)
    facts: dict[str, Any] = {
        # "OpenAI: GPT-4.1 Mini": its maker is a fact of its own.
        "name": model.name.partition(": ")[2] or model.name,
        "context_window": model.context_length or None,
        "max_output_tokens": (model.top_provider and model.top_provider.max_completion_tokens) or None,
        "knowledge_cutoff_text": model.knowledge_cutoff if day(model.knowledge_cutoff) else None,
        "status": ModelStatus.DEPRECATED if ending else None,
        "retirement_date": ending,
    }
    found.capabilities = {CAPABILITIES[name].name: True for name in model.supported_parameters if name in CAPABILITIES}
    for direction, known in (("input", INPUTS), ("output", OUTPUTS)):
        words: list[str] = getattr(model.architecture, f"{direction}_modalities")
        pairs = [known[word] for word in words if word in known]
        facts[f"{direction}_modalities"] = frozenset(modality.name for modality, _ in pairs) or None
        found.capabilities |= {capability.name: True for _, capability in pairs if capability}
    found.facts = {name: value for name, value in facts.items() if value is not None}
    found.parameters = {each.name: each for each in parameters(model)}
    found.rates = list(rates(model))
    # A variant (:free, :batch) and an alias that moves (~) share the permanent name of the model they lead to.
    if model.canonical_slug and model.canonical_slug != model.id and not {":", "~"} & set(model.id):
        found.aliases = (model.canonical_slug,)
    return found


def parse(content: bytes) -> Catalogue:
    """The catalogue in an answer of `/api/v1/models`. Raises FeedError when it is no such answer at all."""
    found = document(content, EXPECTED)
    listed = found.get("data") if is_object(found) else None
    catalogue = Catalogue(SLUG)
    catalogue.providers[PROVIDER] = {"name": "OpenRouter"}
    unknown: Counter[str] = Counter()
    known: set[str] = set()
    for raw in listed if is_array(listed) else ():
        try:
            model = ModelShape.model_validate(raw)
            if model.id in known:
                raise ValueError("it is listed twice")
            known.add(model.id)
            catalogue.keep(claims(model))
            unknown.update((model.pricing.model_extra or {}).keys() - METERS.keys() - UNMETERED)
        except ValueError as error:
            catalogue.quarantine(called(raw), brief(error))
    for key, count in sorted(unknown.items()):
        catalogue.quarantine(f"{count:,} models", f"no meter is known for the price {key}", 0)
    checked(catalogue, EXPECTED)
    links, total = found.get("links"), found.get("total_count")
    if is_object(links) and links.get("next"):
        raise FeedError(
            f"The content is one page of OpenRouter's models: {catalogue.entries:,} "
            f"of {f'{total:,}' if isinstance(total, int) else 'more'}. "
            "Without limit and offset in its address it sends them all."
        )
    return catalogue
