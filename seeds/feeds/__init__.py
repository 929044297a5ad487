"""The sources, one module each. FEEDS are those that are fetched, in order of trust."""

from seeds.feeds import genai_prices, models_dev, openrouter
from seeds.feeds.fetch import Feed

FEEDS: tuple[Feed, ...] = (genai_prices, models_dev, openrouter)
