"""The sources, one module each. FEEDS are those that are fetched, in order of trust."""

from seeds.feed import Feed
from seeds.feeds import genai_prices, models_dev, openrouter

FEEDS: tuple[Feed, ...] = (genai_prices, models_dev, openrouter)
