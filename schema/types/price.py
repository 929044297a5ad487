"""Prices: every published rate, today's standard price, and the cards people read."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any, TypeVar

import strawberry
from strawberry import UNSET, Parent, auto

from schema import dataloaders, tables
from schema.column_types import plain
from schema.context import Info
from schema.declarations import of
from schema.enums import Meter, PricePublication, PriceUnit, ServiceTier
from schema.lists.filters import PriceFilter
from schema.pricing.rates import in_force
from schema.types.source import Source

T = TypeVar("T")


@strawberry.type(description="A stretch of every day, in UTC, in which a rate holds. It may cross midnight.")
class DailyWindow:
    start: str = strawberry.field(description="Time of day from which the rate holds: HH:MM.")
    end: str = strawberry.field(description="Time of day at which it ceases to hold: HH:MM.")


@of(tables.Rate)
class Price:
    service_tier: auto
    meter: auto
    amount: auto
    publication: auto
    currency: auto
    unit: auto
    min_context_tokens: auto
    effective_from: auto
    effective_to: auto

    @strawberry.field(description="Time of day at which the rate holds; null for the whole day.")
    @staticmethod
    def daily_window(rate: Parent[tables.Rate]) -> DailyWindow | None:
        if rate.daily_from is None or rate.daily_to is None:
            return None
        return DailyWindow(start=clock(rate.daily_from), end=clock(rate.daily_to))

    @strawberry.field(graphql_type=Source, description="The source that states the rate.")
    @staticmethod
    async def source(rate: Parent[tables.Rate], info: Info) -> Any:
        return await info.context.load(dataloaders.sources, rate.source_slug)


@of(tables.Model, description="Today's price at the standard tier and the base context, in USD per 1M tokens.")
class StandardPrice:
    @strawberry.field(
        description="Price of 1M input tokens in USD; null when not published or included. "
        "Sources: genai-prices, models.dev."
    )
    @staticmethod
    def input(model: Parent[tables.Model]) -> Decimal | None:
        return model.price_input

    @strawberry.field(
        description="Price of 1M output tokens in USD; null when not published or included. "
        "Sources: genai-prices, models.dev."
    )
    @staticmethod
    def output(model: Parent[tables.Model]) -> Decimal | None:
        return model.price_output

    @strawberry.field(
        description="Price of 1M input tokens read from a prompt cache in USD. Sources: genai-prices, models.dev."
    )
    @staticmethod
    def cache_read(model: Parent[tables.Model]) -> Decimal | None:
        return model.price_cache_read

    @strawberry.field(
        description="Price of 1M input tokens written to a prompt cache in USD. Sources: genai-prices, models.dev."
    )
    @staticmethod
    def cache_write(model: Parent[tables.Model]) -> Decimal | None:
        return model.price_cache_write

    @strawberry.field(description="What is known of the price; NOT_PUBLISHED is never free.")
    @staticmethod
    def publication(model: Parent[tables.Model]) -> PricePublication:
        return model.price_publication


@strawberry.type(description="A line of a price list, as people read it.")
class PriceCard:
    label: str = strawberry.field(description='Heading: "Standard API", "Cached input", "Batch".')
    service_tier: ServiceTier = strawberry.field(description="The tier of service it holds for.")
    input: Decimal | None = strawberry.field(description="Price of one unit of input in USD; null when not published.")
    output: Decimal | None = strawberry.field(
        description="Price of one unit of output in USD; null when not published."
    )
    unit: PriceUnit = strawberry.field(description="What one unit is.")
    publication: PricePublication = strawberry.field(description="What is known of the price.")
    note: str = strawberry.field(description="What the line holds for, in words.")


def clock(moment: time) -> str:
    return f"{moment:%H:%M}"


def select(rates: Iterable[tables.Rate], filter: PriceFilter | None, day: date | None = None) -> list[tables.Rate]:
    """The rates that fit the filter and, given a day, are in force on it."""

    def fits(rate: tables.Rate) -> bool:
        if day is not None and not in_force(rate, day):
            return False
        if filter is None or filter is UNSET:
            return True
        return (
            _among(rate.service_tier, filter.service_tiers)
            and _among(rate.meter, filter.meters)
            and _among(rate.publication, filter.publication)
        )

    return [rate for rate in rates if fits(rate)]


def _among(value: T, wanted: Collection[T] | None) -> bool:
    """Whether the value is one of those wanted; true where none are named."""
    return wanted is UNSET or wanted is None or value in wanted


TIER_LABELS = {
    ServiceTier.STANDARD: "Standard API",
    ServiceTier.BATCH: "Batch",
    ServiceTier.FLEX: "Flex",
    ServiceTier.PRIORITY: "Priority",
    ServiceTier.FAST: "Fast",
}
TIER_NOTES = {
    ServiceTier.STANDARD: "Pay as you go, answered at once.",
    ServiceTier.BATCH: "Requests in bulk, answered later.",
    ServiceTier.FLEX: "Answered when there is room, slower than standard.",
    ServiceTier.PRIORITY: "Answered ahead of standard requests.",
    ServiceTier.FAST: "The same model at a higher output speed.",
}
STATE_NOTES = {
    PricePublication.FREE: "Offered at no charge.",
    PricePublication.INCLUDED: "Part of a subscription; no price per use.",
    PricePublication.NOT_PUBLISHED: "No source publishes a price.",
}


@dataclass(frozen=True)
class Line:
    """A pair of meters that make a card of their own."""

    label: str
    input: Meter | None
    output: Meter | None
    note: str


LINES = (
    Line("Cached input", Meter.CACHE_READ, None, "Input tokens read from the prompt cache."),
    Line("Cache write", Meter.CACHE_WRITE, None, "Input tokens written to the prompt cache."),
    Line(
        "Cache write, 1 hour", Meter.CACHE_WRITE_1H, None, "Input tokens written to the prompt cache kept for an hour."
    ),
    Line("Reasoning", None, Meter.REASONING, "Output tokens spent on reasoning."),
    Line("Citations", None, Meter.CITATION, "Output tokens quoted from sources."),
    Line("Audio", Meter.INPUT_AUDIO, Meter.OUTPUT_AUDIO, "Audio tokens."),
    Line("Cached audio", Meter.CACHE_READ_AUDIO, None, "Audio tokens read from the prompt cache."),
    Line("Images", Meter.INPUT_IMAGE, Meter.OUTPUT_IMAGE, "Image tokens."),
    Line("Cached images", Meter.CACHE_READ_IMAGE, None, "Image tokens read from the prompt cache."),
    Line("Video", Meter.INPUT_VIDEO, Meter.OUTPUT_VIDEO, "Video tokens."),
    Line("Audio by length", Meter.INPUT_AUDIO_TIME, Meter.OUTPUT_AUDIO_TIME, "Audio by its length."),
    Line("Audio by length", Meter.AUDIO_TIME, None, "Audio by its length, heard or made."),
    Line("Characters", Meter.INPUT_CHARACTERS, None, "Text by its characters."),
    Line("Documents", Meter.DOCUMENT_PAGE, None, "Document pages read."),
    Line("Annotated documents", Meter.ANNOTATED_DOCUMENT_PAGE, None, "Document pages read and annotated."),
    Line("Pixels", Meter.INPUT_PIXELS, None, "Pictures by their pixels."),
    Line("Messages", Meter.INPUT_MESSAGE, None, "Text messages of a live session."),
    Line("Requests", Meter.REQUEST, None, "Each request, on top of its tokens."),
    Line("Rerank search", Meter.RERANK_SEARCH, None, "One query with the documents to order."),
    Line("Web search", Meter.WEB_SEARCH, None, "Searches by the provider's web search tool."),
    Line("Social search", Meter.SOCIAL_SEARCH, None, "Searches of social posts by the provider's tool."),
    Line("File search", Meter.FILE_SEARCH, None, "Searches of stored files by the provider's tool."),
    Line("Code execution", Meter.CODE_EXECUTION, None, "Runs of code by the provider's tool."),
)


def cards(model: tables.Model, rates: Sequence[tables.Rate], day: date) -> list[PriceCard]:
    """The price list of a day: the standard line, then its narrower meters, other tiers, long context, times of day."""
    current = [rate for rate in rates if in_force(rate, day)]
    base = [rate for rate in current if rate.min_context_tokens == 0 and rate.daily_from is None]
    standard = [rate for rate in base if rate.service_tier is ServiceTier.STANDARD]
    answer = [
        _card(
            "Standard API", ServiceTier.STANDARD, standard, Meter.INPUT, Meter.OUTPUT, TIER_NOTES[ServiceTier.STANDARD]
        )
    ]
    if answer[0].publication is PricePublication.NOT_PUBLISHED and standard:
        answer = []  # billed by something else than tokens: the lines below say by what
    by_meter = {rate.meter: rate for rate in standard}
    for line in LINES:
        if (line.input in by_meter) or (line.output in by_meter):
            answer.append(_card(line.label, ServiceTier.STANDARD, standard, line.input, line.output, line.note))
    for tier in ServiceTier:
        if tier is not ServiceTier.STANDARD and (some := [rate for rate in base if rate.service_tier is tier]):
            answer.append(
                _card(TIER_LABELS[tier], tier, some, Meter.INPUT, Meter.OUTPUT, TIER_NOTES[tier] + _cached(some))
            )
    answer += _long_context(current)
    answer += _windows(current)
    return answer or [
        _card("Standard API", ServiceTier.STANDARD, [], Meter.INPUT, Meter.OUTPUT, TIER_NOTES[ServiceTier.STANDARD])
    ]


def _cached(rates: Iterable[tables.Rate]) -> str:
    read = next((rate.amount for rate in rates if rate.meter is Meter.CACHE_READ), None)
    return "" if read is None else f" Cached input {plain(read)} USD."


def _groups(rates: Iterable[tables.Rate], key: Callable[[tables.Rate], Any]) -> Iterator[tuple[Any, list[tables.Rate]]]:
    found: dict[Any, list[tables.Rate]] = {}
    for rate in rates:
        found.setdefault(key(rate), []).append(rate)
    yield from found.items()


def _long_context(rates: Iterable[tables.Rate]) -> Iterator[PriceCard]:
    long = [rate for rate in rates if rate.min_context_tokens and rate.daily_from is None]
    for (tier, size), some in _groups(long, lambda rate: (rate.service_tier, rate.min_context_tokens)):
        label = "Long context" if tier is ServiceTier.STANDARD else f"{TIER_LABELS[tier]}, long context"
        note = f"The whole request, once its input exceeds {size:,} tokens.{_cached(some)}"
        yield _card(label, tier, some, Meter.INPUT, Meter.OUTPUT, note)


def _windows(rates: Iterable[tables.Rate]) -> Iterator[PriceCard]:
    timed = [rate for rate in rates if rate.daily_from is not None]
    for (tier, start, end, size), some in _groups(
        timed, lambda rate: (rate.service_tier, rate.daily_from, rate.daily_to, rate.min_context_tokens)
    ):
        beyond = f" and {size:,} input tokens on" if size else ""
        note = f"From {clock(start)} to {clock(end)} UTC{beyond}.{_cached(some)}"
        yield _card(f"{clock(start)} to {clock(end)} UTC", tier, some, Meter.INPUT, Meter.OUTPUT, note)


def _card(
    label: str,
    tier: ServiceTier,
    rates: Iterable[tables.Rate],
    input: Meter | None,
    output: Meter | None,
    note: str,
) -> PriceCard:
    by_meter = {rate.meter: rate for rate in rates}
    shown = [by_meter[meter] for meter in (input, output) if meter in by_meter]
    publication = shown[0].publication if shown else PricePublication.NOT_PUBLISHED
    amounts = [by_meter[meter].amount if meter in by_meter else None for meter in (input, output)]
    return PriceCard(
        label=label,
        service_tier=tier,
        input=amounts[0],
        output=amounts[1],
        unit=shown[0].unit if shown else PriceUnit.PER_MILLION_TOKENS,
        publication=publication,
        note=STATE_NOTES.get(publication, note),
    )
