"""Costs: the usage to estimate, and the estimate."""

from decimal import Decimal
from typing import Any

import strawberry
from strawberry.utils.str_converters import to_snake_case

from schema.declarations import column, field
from schema.enums import Meter
from schema.pricing.cost import WORDS, Estimate
from schema.scalars import BigInt
from schema.types.price import Price


def count(description: str, default: int = 0) -> Any:
    return strawberry.field(description=description, default=default)


@strawberry.input(
    description="A usage, past or planned. Totals include their parts: inputTokens contains cacheReadTokens."
)
class UsageInput:
    input_tokens: BigInt = count("All input tokens, including cached and audio tokens.")
    cache_read_tokens: BigInt = count("Input tokens read from a prompt cache; part of inputTokens.")
    cache_write_tokens: BigInt = count("Input tokens written to a prompt cache; part of inputTokens.")
    input_audio_tokens: BigInt = count("Audio input tokens; part of inputTokens.")
    output_tokens: BigInt = count("All output tokens, including reasoning and audio tokens.")
    reasoning_tokens: BigInt = count("Output tokens used for reasoning; part of outputTokens.")
    output_audio_tokens: BigInt = count("Audio output tokens; part of outputTokens.")
    requests: BigInt = count("Number of requests, for models that charge per request.", 1)
    web_searches: BigInt = count("Number of searches with the provider's web search tool.")

    def by_meter(self) -> dict[Meter, int]:
        """The counts by the meter they are billed on."""
        return {meter: getattr(self, to_snake_case(word)) for meter, word in WORDS.items()}


@strawberry.type(description="One meter of an estimate.")
class CostLine:
    meter: Meter = column("What is counted.")
    quantity: BigInt = column("How much is billed on this line, without parts that are billed on their own lines.")
    rate: Price = column("The rate it is billed at.")
    amount: Decimal = column("Exact cost of the line, in the currency of the estimate.")


@strawberry.type(description="What a usage costs with one model, exact to the last digit.")
class CostEstimate:
    total: Decimal | None = column(
        "Sum of all lines; null, never zero, if a required rate is unknown or included in a subscription."
    )
    lines: list[CostLine] = column("One line for each meter that could be billed.", largest=len(WORDS))
    unpriced: list[Meter] = column(
        "Meters of the usage without a known amount. They are never counted as free.",
        name="unpricedMeters",
        largest=len(WORDS),
    )

    @field()
    @staticmethod
    def currency(estimate: Estimate) -> str:
        """Currency of all amounts, an ISO 4217 code."""
        return estimate.lines[0].rate.currency if estimate.lines else "USD"
