"""Costs: how an estimate is asked for and shown."""

from decimal import Decimal
from typing import Any

import strawberry
from strawberry import Parent

from schema.enums import Meter
from schema.pricing.cost import WORDS, Estimate, Line
from schema.scalars import BigInt
from schema.types.price import Price


def count(description: str, default: int = 0) -> Any:
    return strawberry.field(description=description, default=default)


@strawberry.input(description="What was used, or will be. Counts of parts are contained in the whole they are part of.")
class UsageInput:
    input_tokens: BigInt = count("All input tokens, cached and audio ones included.")
    cache_read_tokens: BigInt = count("Input tokens read from a prompt cache; part of inputTokens.")
    cache_write_tokens: BigInt = count("Input tokens written to a prompt cache; part of inputTokens.")
    input_audio_tokens: BigInt = count("Audio input tokens; part of inputTokens.")
    output_tokens: BigInt = count("All output tokens, reasoning and audio ones included.")
    reasoning_tokens: BigInt = count("Output tokens spent on reasoning; part of outputTokens.")
    output_audio_tokens: BigInt = count("Audio output tokens; part of outputTokens.")
    requests: BigInt = count("Number of requests, for models that charge for each.", 1)
    web_searches: BigInt = count("Searches made by the provider's web search tool.")

    def by_meter(self) -> dict[Meter, int]:
        """The counts by the meter they are billed on."""
        return {
            meter: getattr(self, "".join(f"_{c.lower()}" if c.isupper() else c for c in word))
            for meter, word in WORDS.items()
        }


@strawberry.type(description="One meter of an estimate.")
class CostLine:
    @strawberry.field(description="What is counted.")
    @staticmethod
    def meter(line: Parent[Line]) -> Meter:
        return line.meter

    @strawberry.field(description="How much of it is billed here; parts billed on lines of their own are taken off.")
    @staticmethod
    def quantity(line: Parent[Line]) -> BigInt:
        return BigInt(line.quantity)

    @strawberry.field(graphql_type=Price, description="The rate it is billed at.")
    @staticmethod
    def rate(line: Parent[Line]) -> Any:
        return line.rate

    @strawberry.field(description="Its cost, exact, in the estimate's currency.")
    @staticmethod
    def amount(line: Parent[Line]) -> Decimal:
        return line.amount


@strawberry.type(description="What a usage costs at one model, exact to the last digit.")
class CostEstimate:
    @strawberry.field(
        description="Sum of all lines; null where a rate it needs is not published or included in a subscription."
    )
    @staticmethod
    def total(estimate: Parent[Estimate]) -> Decimal | None:
        return estimate.total

    @strawberry.field(description="Currency of all amounts, ISO 4217.")
    @staticmethod
    def currency(estimate: Parent[Estimate]) -> str:
        return estimate.lines[0].rate.currency if estimate.lines else "USD"

    @strawberry.field(graphql_type=list[CostLine], description="The meters that could be billed, one line each.")
    @staticmethod
    def lines(estimate: Parent[Estimate]) -> list[Line]:
        return estimate.lines

    @strawberry.field(description="Meters the usage needs for which no amount is published. Never counted as free.")
    @staticmethod
    def unpriced_meters(estimate: Parent[Estimate]) -> list[Meter]:
        return estimate.unpriced
