"""Price cards: the price list of one day as people read it. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal

from schema import tables
from schema.column_types import plain
from schema.enums import Meter, PricePublication, PriceUnit, ServiceTier, label
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


TIER_NOTES = {
    ServiceTier.STANDARD: "Pay as you go, real time.",
    ServiceTier.BATCH: "Asynchronous batches.",
    ServiceTier.FLEX: "Lower priority, slower.",
    ServiceTier.PRIORITY: "Processed before standard requests.",
    ServiceTier.FAST: "The same model with faster output.",
}
STATE_NOTES = {
    PricePublication.FREE: "Free of charge.",
    PricePublication.INCLUDED: "Included in a subscription, with no price per use.",
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
    main = _card("Standard API", ServiceTier.STANDARD, standard, TIER_NOTES[ServiceTier.STANDARD])
    # Without a price by the token the cards below say what it is billed by.
    billed_by_token = main.publication is not PricePublication.NOT_PUBLISHED
    answer = [main] if billed_by_token or not standard else []
    meters = {rate.meter for rate in standard}
    for line in LINES:
        if line.input in meters or line.output in meters:
            answer.append(_card(line.label, ServiceTier.STANDARD, standard, line.note, line.input, line.output))
    for tier in ServiceTier:
        if tier is not ServiceTier.STANDARD and (tiered := [rate for rate in base if rate.service_tier is tier]):
            answer.append(_card(label(tier), tier, tiered, TIER_NOTES[tier] + _cached(tiered)))
    answer += _long_context(current)
    answer += _windows(current)
    return answer or [main]


def _cached(rates: Iterable[tables.Rate]) -> str:
    read = next((rate.amount for rate in rates if rate.meter is Meter.CACHE_READ), None)
    return "" if read is None else f" Cached input ${plain(read)}."


def _long_context(rates: Iterable[tables.Rate]) -> Iterator[Card]:
    groups: dict[tuple[ServiceTier, int], list[tables.Rate]] = defaultdict(list)
    for rate in rates:
        if rate.min_context_tokens and rate.daily_from is None:
            groups[rate.service_tier, rate.min_context_tokens].append(rate)
    for (tier, size), group in groups.items():
        heading = "Long context" if tier is ServiceTier.STANDARD else f"{label(tier)}, long context"
        note = f"Applies to the whole request when input exceeds {size:,} tokens.{_cached(group)}"
        yield _card(heading, tier, group, note)


def _windows(rates: Iterable[tables.Rate]) -> Iterator[Card]:
    groups: dict[tuple[ServiceTier, time, time | None, int], list[tables.Rate]] = defaultdict(list)
    for rate in rates:
        if rate.daily_from is not None:
            groups[rate.service_tier, rate.daily_from, rate.daily_to, rate.min_context_tokens].append(rate)
    for (tier, start, end, size), group in groups.items():
        beyond = f", when input exceeds {size:,} tokens" if size else ""
        window = f"{start:%H:%M} to {end:%H:%M} UTC"
        yield _card(window, tier, group, f"From {window}{beyond}.{_cached(group)}")


def _card(
    label: str,
    tier: ServiceTier,
    rates: Iterable[tables.Rate],
    note: str,
    input: Meter | None = Meter.INPUT,
    output: Meter | None = Meter.OUTPUT,
) -> Card:
    by_meter: dict[Meter | None, tables.Rate] = {rate.meter: rate for rate in rates}
    pair = by_meter.get(input), by_meter.get(output)
    first = pair[0] or pair[1]
    publication = first.publication if first else PricePublication.NOT_PUBLISHED
    return Card(
        label=label,
        service_tier=tier,
        input=pair[0].amount if pair[0] else None,
        output=pair[1].amount if pair[1] else None,
        unit=first.unit if first else PriceUnit.PER_MILLION_TOKENS,
        publication=publication,
        note=STATE_NOTES.get(publication, note),
    )
