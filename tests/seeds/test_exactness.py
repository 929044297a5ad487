"""The promise: no number becomes a float. Numbers keep every digit from the feed to the answer."""

import json
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from seeds.catalogue import Catalogue
from seeds.curated import loader
from seeds.feeds import genai_prices, models_dev
from server.graphql.execution import Runner, encode
from server.graphql.operations import Request
from server.settings import Settings
from tests.support.registry import put

NUMBERS = ["0.1", "1e-7", "1234567.123456789"]
PLAIN = {"0.1": "0.1", "1e-7": "0.0000001", "1234567.123456789": "1234567.123456789"}
API_JSON = """{"openai": {"id": "openai", "name": "OpenAI", "env": [], "models": {"m": {"id": "m", "name": "M",
  "modalities": {"input": ["text"], "output": ["text"]}, "limit": {"context": 1000},
  "cost": {"input": %s, "output": %s, "cache_read": %s}}}}}"""
DATA_JSON = """[{"id": "openai", "name": "OpenAI", "models": [{"id": "m", "match": {"equals": "m"},
  "prices": {"input_mtok": %s, "output_mtok": {"base": %s, "tiers": [{"start": 10, "price": %s}]}}}]}]"""
TOML = """
[provider]
slug = "openai"
kind = "LAB"
[parameters.temperature]
label = "Temperature"
kind = "NUMBER"
default = %s
minimum = %s
maximum = %s
[[rules]]
match = ["m"]
parameters = ["temperature"]
"""
QUERY = """{ model(ref: "openai/m") { price { input output cacheRead } prices { meter amount minContextTokens }
  parameters { default minimum maximum } facts(fields: ["price", "parameters"]) { field value }
  cost(usage: {inputTokens: 3, requests: 0}) { total } } }"""


async def text_of(engine: AsyncEngine, catalogues: list[Catalogue]) -> str:
    """The bytes that a client receives, not yet parsed."""
    await put(engine, catalogues)
    runner = Runner(engine, Settings(database_url=engine.url.render_as_string(hide_password=False)))
    return encode(await runner.run(runner.prepare(Request(QUERY, {}, None, {})))).decode()


@pytest.mark.parametrize("number", NUMBERS)
async def test_a_price_of_models_dev_keeps_every_digit(engine: AsyncEngine, number: str) -> None:
    text = await text_of(engine, [models_dev.parse((API_JSON % (number, number, number)).encode())])
    model = json.loads(text, parse_float=str)["data"]["model"]
    assert model["price"] == dict.fromkeys(("input", "output", "cacheRead"), PLAIN[number])
    assert {rate["amount"] for rate in model["prices"]} == {PLAIN[number]}
    assert {fact["value"] for fact in model["facts"] if fact["field"] == "price.input"} == {PLAIN[number]}
    exact = Decimal(number) * 3 / 1_000_000
    assert Decimal(model["cost"]["total"]) == exact
    assert "e" not in model["cost"]["total"].lower()


@pytest.mark.parametrize("number", NUMBERS)
async def test_a_tier_of_genai_prices_keeps_every_digit(engine: AsyncEngine, number: str) -> None:
    text = await text_of(engine, [genai_prices.parse((DATA_JSON % (number, number, number)).encode())])
    prices = json.loads(text)["data"]["model"]["prices"]
    assert [(rate["meter"], rate["amount"], rate["minContextTokens"]) for rate in prices] == [
        ("INPUT", PLAIN[number], 0),
        ("OUTPUT", PLAIN[number], 0),
        ("OUTPUT", PLAIN[number], 10),
    ]


@pytest.mark.parametrize("number", NUMBERS)
async def test_a_default_and_its_bounds_keep_every_digit(engine: AsyncEngine, number: str) -> None:
    catalogue = Catalogue("curated")
    loader.parse_file(TOML % (number, number, number), "openai.toml", catalogue)
    listed = models_dev.parse((API_JSON % ("1", "1", "1")).encode())
    text = await text_of(engine, [catalogue, listed])
    # The default is a JSON number, so its digits are checked before it is parsed.
    assert f'"default":{PLAIN[number]},' in text
    (parameter,) = json.loads(text)["data"]["model"]["parameters"]
    assert (parameter["minimum"], parameter["maximum"]) == (PLAIN[number], PLAIN[number])


def test_the_bundled_prices_are_decimals() -> None:
    catalogue = genai_prices.parse(genai_prices.bundled())
    assert all(
        isinstance(rate.amount, Decimal)
        for model in catalogue.models
        for rate in model.rates
        if rate.amount is not None
    )
