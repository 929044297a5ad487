"""Price cards: the price list of one day as people read it. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from schema import tables
from schema.column_types import plain
from schema.enums import Meter, PricePublication, PriceUnit, ServiceTier
from schema.pricing.rates import in_force


@dataclass(frozen=True, slots=True)
class Card:
    """One line of the price list."""

    label: str
    service_tier: ServiceTier
    input: Decimal | None
    output: Decimal | None
    unit: PriceUnit
    publication: PricePublication
    note: str


TIER_LABELS = {
    ServiceTier.STANDARD: "Standard API",
    ServiceTier.BATCH: "Batch",
    ServiceTier.FLEX: "Flex",
    ServiceTier.PRIORITY: "Priority",
    ServiceTier.FAST: "Fast",
}
TIER_NOTES = {
    ServiceTier.STANDARD: "Pay as you go, real time.",
    ServiceTier.BATCH: "Asynchronous batches.",
    ServiceTier.FLEX: "Lower priority, slower.",
    ServiceTier.PRIORITY: "Processed before standard requests.",
    ServiceTier.FAST: "The same model with faster output.",
}
STATE_NOTES = {
    PricePublication.FREE: "Free of charge.",
    PricePublication.INCLUDED: "Included in a subscription; there is no price per use.",
    PricePublication.NOT_PUBLISHED: "No price is known.",
}


@dataclass(frozen=True)
class Line:
    """One or two meters that have a card of their own."""

    label: str
    input: Meter | None
    output: Meter | None
    note: str


LINES = (
    Line("Cached input", Meter.CACHE_READ, None, "Input tokens read from the prompt cache."),
    Line("Cache write", Meter.CACHE_WRITE, None, "Input tokens written to the prompt cache."),
    Line(
        "Cache write, 1 hour",
        Meter.CACHE_WRITE_1H,
        None,
        "Input tokens written to the prompt cache, stored for one hour.",
    ),
    Line("Reasoning", None, Meter.REASONING, "Output tokens used for reasoning."),
    Line("Citations", None, Meter.CITATION, "Output tokens quoted from sources."),
    Line("Audio", Meter.INPUT_AUDIO, Meter.OUTPUT_AUDIO, "Audio tokens."),
    Line("Cached audio", Meter.CACHE_READ_AUDIO, None, "Audio tokens read from the prompt cache."),
    Line("Images", Meter.INPUT_IMAGE, Meter.OUTPUT_IMAGE, "Image tokens."),
    Line("Cached images", Meter.CACHE_READ_IMAGE, None, "Image tokens read from the prompt cache."),
    Line("Video", Meter.INPUT_VIDEO, Meter.OUTPUT_VIDEO, "Video tokens."),
    Line("Audio by length", Meter.INPUT_AUDIO_TIME, Meter.OUTPUT_AUDIO_TIME, "Audio duration."),
    Line("Audio by length", Meter.AUDIO_TIME, None, "Audio duration, input or output."),
    Line("Characters", Meter.INPUT_CHARACTERS, None, "Input text, by character."),
    Line("Documents", Meter.DOCUMENT_PAGE, None, "Document pages processed."),
    Line("Annotated documents", Meter.ANNOTATED_DOCUMENT_PAGE, None, "Document pages processed with annotations."),
    Line("Pixels", Meter.INPUT_PIXELS, None, "Input images, by pixel."),
    Line("Messages", Meter.INPUT_MESSAGE, None, "Text messages in a live session."),
    Line("Requests", Meter.REQUEST, None, "Each request, in addition to its tokens."),
    Line("Rerank search", Meter.RERANK_SEARCH, None, "One query with the documents to rank."),
    Line("Web search", Meter.WEB_SEARCH, None, "Searches with the provider's web search tool."),
    Line("Social search", Meter.SOCIAL_SEARCH, None, "Searches of social posts with the provider's tool."),
    Line("File search", Meter.FILE_SEARCH, None, "Searches of stored files with the provider's tool."),
    Line("Code execution", Meter.CODE_EXECUTION, None, "Code executions with the provider's tool."),
)


def cards(rates: Sequence[tables.Rate], day: date) -> list[Card]:
    """The price list of a day: the standard card, then narrower meters, other tiers, long context and times of day."""
    current = [rate for rate in rates if in_force(rate, day)]
    base = [rate for rate in current if rate.min_context_tokens == 0 and rate.daily_from is None]
    standard = [rate for rate in base if rate.service_tier is ServiceTier.STANDARD]
    answer = [
        _card(
            "Standard API", ServiceTier.STANDARD, standard, Meter.INPUT, Meter.OUTPUT, TIER_NOTES[ServiceTier.STANDARD]
        )
    ]
    if answer[0].publication is PricePublication.NOT_PUBLISHED and standard:
        answer = []  # not billed by the token: the cards below say what it is billed by
    by_meter = {rate.meter: rate for rate in standard}
    for line in LINES:
        if (line.input in by_meter) or (line.output in by_meter):
            answer.append(_card(line.label, ServiceTier.STANDARD, standard, line.input, line.output, line.note))
    for tier in ServiceTier:
        if tier is not ServiceTier.STANDARD and (tiered := [rate for rate in base if rate.service_tier is tier]):
            answer.append(
                _card(TIER_LABELS[tier], tier, tiered, Meter.INPUT, Meter.OUTPUT, TIER_NOTES[tier] + _cached(tiered))
            )
    answer += _long_context(current)
    answer += _windows(current)
    return answer or [
        _card("Standard API", ServiceTier.STANDARD, [], Meter.INPUT, Meter.OUTPUT, TIER_NOTES[ServiceTier.STANDARD])
    ]


def _cached(rates: Iterable[tables.Rate]) -> str:
    read = next((rate.amount for rate in rates if rate.meter is Meter.CACHE_READ), None)
    return "" if read is None else f" Cached input ${plain(read)}."


def _groups(rates: Iterable[tables.Rate], key: Callable[[tables.Rate], Any]) -> Iterator[tuple[Any, list[tables.Rate]]]:
    found: dict[Any, list[tables.Rate]] = {}
    for rate in rates:
        found.setdefault(key(rate), []).append(rate)
    yield from found.items()


def _long_context(rates: Iterable[tables.Rate]) -> Iterator[Card]:
    long = [rate for rate in rates if rate.min_context_tokens and rate.daily_from is None]
    for (tier, size), group in _groups(long, lambda rate: (rate.service_tier, rate.min_context_tokens)):
        label = "Long context" if tier is ServiceTier.STANDARD else f"{TIER_LABELS[tier]}, long context"
        note = f"Applies to the whole request when input exceeds {size:,} tokens.{_cached(group)}"
        yield _card(label, tier, group, Meter.INPUT, Meter.OUTPUT, note)


def _windows(rates: Iterable[tables.Rate]) -> Iterator[Card]:
    timed = [rate for rate in rates if rate.daily_from is not None]
    for (tier, start, end, size), group in _groups(
        timed, lambda rate: (rate.service_tier, rate.daily_from, rate.daily_to, rate.min_context_tokens)
    ):
        beyond = f", when input exceeds {size:,} tokens" if size else ""
        note = f"From {start:%H:%M} to {end:%H:%M} UTC{beyond}.{_cached(group)}"
        yield _card(f"{start:%H:%M} to {end:%H:%M} UTC", tier, group, Meter.INPUT, Meter.OUTPUT, note)


def _card(
    label: str,
    tier: ServiceTier,
    rates: Iterable[tables.Rate],
    input: Meter | None,
    output: Meter | None,
    note: str,
) -> Card:
    by_meter = {rate.meter: rate for rate in rates}
    shown = [by_meter[meter] for meter in (input, output) if meter in by_meter]
    publication = shown[0].publication if shown else PricePublication.NOT_PUBLISHED
    amounts = [by_meter[meter].amount if meter in by_meter else None for meter in (input, output)]
    return Card(
        label=label,
        service_tier=tier,
        input=amounts[0],
        output=amounts[1],
        unit=shown[0].unit if shown else PriceUnit.PER_MILLION_TOKENS,
        publication=publication,
        note=STATE_NOTES.get(publication, note),
    )
