"""The promise: what the operator writes is believed to the last digit, and what can't be is refused whole, by its line."""

import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from schema.column_types import dump_json, load_json
from schema.enums import Meter
from schema.pricing.rates import USUAL_UNITS
from seeds import load
from seeds.catalogue import Catalogue
from seeds.curated import loader
from seeds.overlay import shape
from seeds.overlay.loader import Overlay, OverlayError, parse, read
from seeds.overlay.positions import read as parsed
from server import database
from tests.support.registry import NOW, Ask, asker, create_database, drop_database, put, tiny
from tests.support.servers import modelmeta

EXAMPLE = Path(__file__).parents[3] / "seeds" / "overlay" / "example.toml"


@pytest.fixture(scope="module")
def whole() -> load.Loaded:
    """The bundled sources with the example over them."""
    return load.read(overlay=EXAMPLE)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def registry(kind: str, whole: load.Loaded, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ask]:
    """The whole registry with the example over it. Tests only read it."""
    url = await create_database(kind, tmp_path_factory.mktemp("overlaid"))
    engine = database.create_engine(url)
    await database.prepare(engine)
    async with database.writing(engine) as connection:
        await load.write(connection, whole)
    yield asker(engine)
    await engine.dispose()
    await drop_database(url)


def from_toml(text: str) -> Overlay:
    return parse(text.encode(), "mine.toml")


def served(data: dict[str, Any]) -> dict[str, Any]:
    """An answer as a client reads it, digit for digit."""
    answer: dict[str, Any] = load_json(orjson.dumps(data).decode())
    return answer


def over(text: str) -> list[Catalogue]:
    """The tiny registry under an overlay."""
    overlay = from_toml(text)
    overlay.check(tiny())
    return [overlay.catalogue, *tiny()]


# ------------------------------------------------------------------------------------------------ what is believed


async def test_the_examples_private_model_is_in_the_graph(registry: Ask, whole: load.Loaded) -> None:
    document = """{
      model(ref: "acme/assistant") {
        ref name tagline status accessType license parameterSize isFlagship isRecommended
        contextWindow maxInputTokens maxOutputTokens knowledgeCutoffText releaseDate
        inputModalities outputModalities endpoints useCases capabilities
        family { slug name }
        provider { slug name kind apiBaseUrl docsUrl websiteUrl credentialVariables modelCount }
        price { input output publication }
        prices { serviceTier meter amount unit minContextTokens dailyWindow { start end } source { slug } }
        parameters { name label kind supported default minimum maximum allowedValues note }
        facts(fields: ["contextWindow"]) { value source { slug } others { value } }
      }
      registry { sources { slug status modelCount quarantinedCount } }
    }"""
    data = served(await registry(document))
    rate = {"unit": "PER_MILLION_TOKENS", "minContextTokens": 0, "dailyWindow": None, "source": {"slug": "overlay"}}
    knob = {"supported": True} | dict.fromkeys(("default", "minimum", "maximum", "allowedValues", "note"))
    model = data["model"]
    prices = model.pop("prices")
    assert model == {
        "ref": "acme/assistant-1",
        "name": "Assistant 1",
        "tagline": "Our assistant, tuned on our handbook",
        "status": "ACTIVE",
        "accessType": "CLOSED",
        "license": "proprietary",
        "parameterSize": "32B",
        "isFlagship": True,
        "isRecommended": True,
        "contextWindow": 128_000,
        "maxInputTokens": 120_000,
        "maxOutputTokens": 8_000,
        "knowledgeCutoffText": "2025-06",
        "releaseDate": "2026-10-01",
        "inputModalities": ["IMAGE", "TEXT"],
        "outputModalities": ["TEXT"],
        "endpoints": ["CHAT_COMPLETIONS"],
        "useCases": ["DOCUMENTS", "TEXT_CHAT"],
        "capabilities": ["FUNCTION_CALLING", "STREAMING"],
        "family": {"slug": "acme-assistant", "name": "Acme Assistant"},
        "provider": {
            "slug": "acme",
            "name": "ACME internal",
            "kind": "CLOUD",
            "apiBaseUrl": "https://llm.acme.example/v1",
            "docsUrl": "https://llm.acme.example/docs",
            "websiteUrl": "https://llm.acme.example",
            "credentialVariables": ["ACME_KEY"],
            "modelCount": 2,
        },
        "price": {"input": "0.3", "output": "1.2", "publication": "PUBLISHED"},
        "parameters": [
            knob
            | {"name": "temperature", "label": "Temperature", "kind": "NUMBER"}
            | {"default": Decimal("0.7"), "minimum": "0", "maximum": "1.5"},
            knob
            | {"name": "max_tokens", "label": "Max tokens", "kind": "INTEGER", "minimum": "1", "maximum": "8000"}
            | {"note": "Counts reasoning, too."},
            knob
            | {"name": "tone", "label": "Tone", "kind": "ENUM", "default": "plain"}
            | {"allowedValues": ["plain", "formal"]},
            knob | {"name": "seed", "label": "Seed", "kind": "INTEGER", "supported": False},
        ],
        "facts": [{"value": 128_000, "source": {"slug": "overlay"}, "others": []}],
    }
    assert [each for each in prices if each["serviceTier"] == "STANDARD" and each["meter"] == "INPUT"] == [
        rate | {"serviceTier": "STANDARD", "meter": "INPUT", "amount": "0.3"},
        rate
        | {"serviceTier": "STANDARD", "meter": "INPUT", "amount": "0.2"}
        | {"dailyWindow": {"start": "22:00", "end": "06:00"}},
        rate | {"serviceTier": "STANDARD", "meter": "INPUT", "amount": "0.6", "minContextTokens": 64_000},
    ]
    assert rate | {"serviceTier": "BATCH", "meter": "INPUT", "amount": "0.15"} in prices
    assert data["registry"]["sources"][0] == {
        "slug": "overlay",
        "status": "OK",
        "modelCount": 3,
        "quarantinedCount": 0,
    }
    ends = '{ model(ref: "acme/assistant-1") { prices(asOf: "2027-02-01", filter: {meters: [OUTPUT]}) { amount } } }'
    assert await registry(ends) == {"model": {"prices": [{"amount": "1.1"}]}}
    free = '{ model(ref: "acme/embedder") { name outputModalities price { input output publication } } }'
    assert await registry(free) == {
        "model": {
            "name": "embedder",
            "outputModalities": ["EMBEDDING"],
            "price": {"input": "0", "output": None, "publication": "FREE"},
        }
    }
    assert whole.merged.unknown_providers == []


async def test_a_negotiated_price_outweighs_and_the_upstreams_stays_visible(registry: Ask) -> None:
    document = """{
      model(ref: "gpt-4.1-mini") {
        contextWindow
        price { input output cacheRead }
        facts(fields: ["price.input"]) {
          value source { slug } disputed reason others { value source { slug } }
        }
      }
    }"""
    assert await registry(document) == {
        "model": {
            "contextWindow": 1_047_576,
            "price": {"input": "0.32", "output": "1.28", "cacheRead": "0.08"},
            "facts": [
                {
                    "value": "0.32",
                    "source": {"slug": "overlay"},
                    "disputed": True,
                    "reason": "Our agreement of 2026, until 2027-06-30.",
                    "others": [
                        {"value": "0.4", "source": {"slug": "genai-prices"}},
                        {"value": "0.4", "source": {"slug": "models-dev"}},
                    ],
                }
            ],
        }
    }


CORRECTION = """
[providers.azure]
docs_url = "https://docs.example/azure"

[models."openai/tiny-large"]
context_window = 400_000
status = "LEGACY"
capabilities = ["FINE_TUNING"]
without_capabilities = ["REASONING"]
input_modalities = ["TEXT"]
"""


async def test_a_correction_replaces_what_it_names_and_nothing_else(engine: AsyncEngine) -> None:
    await put(engine, over(CORRECTION))
    document = """{
      model(ref: "openai/tiny-large") {
        name contextWindow maxOutputTokens status inputModalities capabilities price { input }
        facts(fields: ["contextWindow"]) { value source { slug } others { value source { slug } } }
      }
      provider(slug: "azure") { docsUrl }
    }"""
    assert await asker(engine)(document) == {
        "model": {
            "name": "Tiny Large",
            "contextWindow": 400_000,
            "maxOutputTokens": 32_768,
            "status": "LEGACY",
            "inputModalities": ["TEXT"],
            "capabilities": ["FINE_TUNING", "FUNCTION_CALLING"],
            "price": {"input": "2.5"},
            "facts": [
                {
                    "value": 400_000,
                    "source": {"slug": "overlay"},
                    "others": [
                        {"value": 200_000, "source": {"slug": "models-dev"}},
                        {"value": 200_000, "source": {"slug": "genai-prices"}},
                    ],
                }
            ],
        },
        "provider": {"docsUrl": "https://docs.example/azure"},
    }


@pytest.mark.parametrize("publication", ["INCLUDED", "NOT_PUBLISHED"])
async def test_a_price_can_be_said_to_be_none(engine: AsyncEngine, publication: str) -> None:
    await put(engine, over(f'[models."openai/tiny-large"]\nprice.publication = "{publication}"\n'))
    document = '{ model(ref: "openai/tiny-large") { price { input publication } prices { amount publication } } }'
    assert await asker(engine)(document) == {
        "model": {
            "price": {"input": None, "publication": publication},
            "prices": [{"amount": None, "publication": publication}] * 2,
        }
    }


async def test_an_overlay_taken_away_takes_its_word_with_it(engine: AsyncEngine) -> None:
    await put(engine, over(CORRECTION + '[models."openai/mine"]\nname = "Mine"\n'))
    await put(engine, tiny(), NOW + timedelta(days=1))
    document = """{
      mine: model(ref: "openai/mine") { name status }
      large: model(ref: "openai/tiny-large") { contextWindow status }
      registry { sources { slug status modelCount } }
    }"""
    data = await asker(engine)(document)
    assert data["mine"] == {"name": "Mine", "status": "RETIRED"}
    assert data["large"] == {"contextWindow": 200_000, "status": "ACTIVE"}
    assert data["registry"]["sources"][0] == {"slug": "overlay", "status": "DISABLED", "modelCount": 0}


AMOUNTS = {
    "0.1": "0.1",
    "0.30": "0.3",
    "1e-7": "0.0000001",
    "1234567.123456789": "1234567.123456789",
    "7": "7",
    "12345678901234567890.123456789012345678": "12345678901234567890.123456789012345678",
}


async def test_an_amount_is_the_same_to_the_last_digit_however_it_is_written(engine: AsyncEngine) -> None:
    toml = "[providers.acme]\nkind = 'CLOUD'\n"
    for number, written in enumerate(AMOUNTS):
        toml += f'[models."acme/number-{number}"]\nprice.input = {written}\n'
        toml += f'parameters.top = {{ kind = "NUMBER", default = {written}, maximum = {written} }}\n'
        toml += f'[models."acme/text-{number}"]\nprice.input = "{written}"\n'
    catalogues = over(toml)
    entries = ",".join(
        f'"acme/json-{number}": {{"rates": [{{"meter": "INPUT", "amount": {written}}}]}}'
        for number, written in enumerate(AMOUNTS)
    )
    catalogues[0].models += parse(f'{{"models": {{{entries}}}}}'.encode(), "mine.json").catalogue.models
    await put(engine, catalogues)
    document = """{
      models(filter: {providers: ["acme"]}, first: 100) {
        nodes { slug price { input } prices { amount } parameters { default maximum } }
      }
    }"""
    data = served(await asker(engine)(document))
    nodes = {each["slug"]: each for each in data["models"]["nodes"]}
    for number, answer in enumerate(AMOUNTS.values()):
        for way in ("number", "text", "json"):
            node = nodes[f"{way}-{number}"]
            assert (node["price"]["input"], node["prices"][0]["amount"]) == (answer, answer)
        assert nodes[f"number-{number}"]["parameters"] == [{"default": Decimal(answer), "maximum": answer}]


def test_json_says_the_same_as_toml() -> None:
    document, _ = parsed(EXAMPLE.read_text(encoding="utf-8"), "TOML")
    text = dump_json(document)
    assert load_json(text)["models"]["acme/assistant-1"]["release_date"] == "2026-10-01"
    as_json = parse(text.encode(), "mine.json").catalogue
    as_toml = read(EXAMPLE).catalogue
    assert {each.slug: each for each in as_json.models} == {each.slug: each for each in as_toml.models}
    assert as_json.providers == as_toml.providers
    # What begins with a brace is JSON, whatever the file is called; a byte order mark does no harm.
    assert parse(b"\xef\xbb\xbf" + text.encode(), "mine").catalogue == as_json


def test_the_overlay_can_say_whatever_the_curated_files_can() -> None:
    curated_only = {"reference", "unsupported_parameters"}
    assert set(loader.FactsShape.model_fields) - curated_only <= set(shape.ModelShape.model_fields)
    assert set(loader.PLAIN) | set(loader.SETS) <= set(shape.ModelShape.model_fields)
    assert set(USUAL_UNITS) == set(Meter)


def test_the_example_shows_every_key_there_is() -> None:
    _, lines = parsed(EXAMPLE.read_text(encoding="utf-8"), "TOML")
    written = {place[-1] for place in lines}
    for part in (shape.ProviderShape, shape.ModelShape, shape.ParameterShape):
        assert set(part.model_fields) - {"version_of", "deprecation_date", "retirement_date"} <= written, part
    assert set(shape.RateShape.model_fields) <= written
    assert set(shape.PriceShape.model_fields) - {"cache_write"} <= written


def test_the_readmes_overlay_is_one() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", (EXAMPLE.parent.parent / "README.md").read_text("utf-8"), re.DOTALL)
    refs = [f"{each.provider}/{each.slug}" for each in from_toml(block).catalogue.models]
    assert refs == ["acme/assistant-1", "openai/gpt-4.1-mini"]


# ------------------------------------------------------------------------------------------------ what is refused

MODEL = '[models."acme/one"]\n'
RATE = '[[models."acme/one".rates]]\n'
PARAMETER = '[models."acme/one".parameters.top]\n'
ONE = 'models."acme/one"'
MISTAKES: list[tuple[str, int, str]] = [
    ("\nname = \n", 2, "this is no TOML: Invalid value."),
    (f'{MODEL}name = "A"\nname = "B"\n', 3, "this is no TOML: Cannot overwrite a value."),
    ("[modles]\n", 1, 'modles: there is no such key. Did you mean "models"?'),
    (
        f'{MODEL}name = "A"\n\ncontextwindow = 5\n',
        4,
        f'{ONE}.contextwindow: there is no such key. Did you mean "context_window"?',
    ),
    (
        "[providers.acme]\nzzz = 1\n",
        2,
        (
            "providers.acme.zzz: there is no such key. "
            "Those there are: name, kind, website_url, docs_url, api_base_url, credential_variables."
        ),
    ),
    (
        f"{MODEL}price = {{ input = 1, cash_read = 2 }}",
        2,
        f'{ONE}.price.cash_read: there is no such key. Did you mean "cache_read"?',
    ),
    (
        f"{PARAMETER}kind = 'NUMBER'\nmax = 1",
        3,
        f'{ONE}.parameters.top.max: there is no such key. Did you mean "maximum"?',
    ),
    ("models = 'many'", 1, 'models: "many" can\'t be taken: write a table (in JSON, an object).'),
    (f"{MODEL}aliases = 'a'", 2, f'{ONE}.aliases: "a" can\'t be taken: write an array: [ ].'),
    (f"{MODEL}name = 1", 2, f"{ONE}.name: 1 can't be taken: write text in quotes."),
    (f"{MODEL}name = ' '", 2, f'{ONE}.name: " " can\'t be taken: write some text, without control characters.'),
    (f"{MODEL}is_flagship = 'yes'", 2, f'{ONE}.is_flagship: "yes" can\'t be taken: write true or false.'),
    (f"{MODEL}status = 'active'", 2, f'{ONE}.status: "active" is none of its words. Did you mean "ACTIVE"?'),
    (
        f"{MODEL}input_modalities = [\n  'TEXT',\n  'SMELL',\n]",
        4,
        f'{ONE}.input_modalities[1]: "SMELL" is none of its words. They are: TEXT, IMAGE, AUDIO, VIDEO, PDF, EMBEDDING.',
    ),
    (
        f"{MODEL}capabilities = ['VISION']\nwithout_capabilities = ['BATCH',\n'VISION']",
        4,
        f"{ONE}.without_capabilities[1]: VISION stands in capabilities, too. Keep one of them.",
    ),
    (
        f"\n{MODEL}context_window = '128k'",
        3,
        f'{ONE}.context_window: "128k" can\'t be taken: write a whole number of tokens, 2,147,483,647 at most: 128000.',
    ),
    (
        f"{MODEL}context_window = true",
        2,
        f"{ONE}.context_window: true can't be taken: write a whole number of tokens, 2,147,483,647 at most: 128000.",
    ),
    (
        f"{MODEL}max_output_tokens = 3_000_000_000",
        2,
        (
            f"{ONE}.max_output_tokens: 3000000000 can't be taken: "
            "write a whole number of tokens, 2,147,483,647 at most: 128000."
        ),
    ),
    (
        f"{MODEL}context_window = 0",
        2,
        f"{ONE}.context_window: 0 can't be taken: a limit of 0 is none. Leave it out where it is not known.",
    ),
    (
        f"{MODEL}release_date = 2026",
        2,
        f"{ONE}.release_date: 2026 can't be taken: write a day that exists: 2026-12-31.",
    ),
    (
        f"{MODEL}release_date = '2026-02-30'",
        2,
        f'{ONE}.release_date: "2026-02-30" can\'t be taken: write a day that exists: 2026-12-31.',
    ),
    (
        f"{MODEL}knowledge_cutoff = '2025-13'",
        2,
        f'{ONE}.knowledge_cutoff: "2025-13" can\'t be taken: write a year, a month or a day in quotes: "2025-06".',
    ),
    (
        f"{MODEL}aliases = ['two words']",
        2,
        f'{ONE}.aliases[0]: "two words" can\'t be taken: write a name without spaces.',
    ),
    (
        f"{MODEL}canonical = 'one'",
        2,
        f'{ONE}.canonical: "one" can\'t be taken: write maker/model: "openai/gpt-4.1-mini".',
    ),
    (
        "[models.acme]\n",
        1,
        'models.acme: "acme" can\'t be taken: write provider/model, the provider in lower case: "acme/assistant-1".',
    ),
    (
        "[providers.Acme]\n",
        1,
        "providers.Acme: \"Acme\" can't be taken: write a provider's short name in lower case: acme.",
    ),
    (
        "[providers.acme]\nkind = 'CLOUD'\napi_base_url = 'llm.example'",
        3,
        (
            'providers.acme.api_base_url: "llm.example" can\'t be taken: '
            "write an address that begins with https:// or http://."
        ),
    ),
    (
        f"{MODEL}reasons.context_window = 'so'",
        2,
        f"{ONE}.reasons.context_window: the entry says nothing of this. Name a fact it gives.",
    ),
    (
        "[models]\n'acme/one'.price.input = 'free'",
        2,
        f'{ONE}.price.input: "free" can\'t be taken: write a number, with or without quotes: 0.3 or "0.3".',
    ),
    (f"{MODEL}price.input = -0.1", 2, f"{ONE}.price.input: -0.1 can't be taken: a price can't be less than 0."),
    (f"{MODEL}price.input = inf", 2, f"{ONE}.price.input: Infinity can't be taken: Infinity is not a finite number."),
    (
        f"{MODEL}price.input = 1e-999999999999999999999999",
        2,
        f"{ONE}.price.input: Infinity can't be taken: Infinity is not a finite number.",
    ),
    (
        f"{MODEL}price.input = 0.1234567890123456789",
        2,
        (
            f"{ONE}.price.input: 0.1234567890123456789 can't be taken: 0.1234567890123456789 has more digits than are stored "
            "(20 before the point, 18 after)."
        ),
    ),
    (
        f"{MODEL}price.input = 1\nprice.output = 0",
        3,
        (
            f'{ONE}.price.output: 0 can mean several things. Write publication = "FREE" for no charge, "INCLUDED" without '
            "an amount for part of a subscription, or leave out what the model has no meter for."
        ),
    ),
    (
        f"{MODEL}[{ONE}.price]\npublication = 'FREE'\ninput = 1",
        4,
        f'{ONE}.price.input: 1 is a price, and publication = "FREE" says there is none.',
    ),
    (
        f"{RATE}meter = 'INPUT'\npublication = 'INCLUDED'\namount = 1",
        4,
        f'{ONE}.rates[0].amount: publication = "INCLUDED" goes without an amount. Leave one of them out.',
    ),
    (f"\n[{ONE}.price]\n", 2, f"{ONE}.price: it holds no amount. Give input, output, cache_read or cache_write."),
    (f"{RATE}meter = 'INPUT'\namount = 1\n{RATE}amount = 1", 4, f"{ONE}.rates[1].meter: it is missing."),
    (
        f"{RATE}meter = 'INPUT'",
        1,
        f'{ONE}.rates[0].amount: it is missing. Only publication = "FREE" or "INCLUDED" needs no amount.',
    ),
    (
        f"{RATE}meter = 'INPUT'\namount = 1\n{RATE}meter = 'OUTPT'\namount = 1",
        5,
        f'{ONE}.rates[1].meter: "OUTPT" is none of its words. Did you mean "OUTPUT"?',
    ),
    (
        f"{MODEL}price.input = 1\nrates = [\n  {{ meter = 'OUTPUT', amount = 1 }},\n  {{ meter = 'INPUT', amount = 1 }},\n]",
        5,
        (
            f"{ONE}.rates[1]: STANDARD INPUT has another rate for the same time and context size. "
            "Keep one of them, or set effective_from and effective_to so that one follows the other."
        ),
    ),
    (
        f"{RATE}meter = 'INPUT'\namount = 1\ndaily_from = '22:00'",
        4,
        f"{ONE}.rates[0].daily_from: a stretch of the day needs two different ends, daily_from and daily_to.",
    ),
    (
        f"{RATE}meter = 'INPUT'\namount = 1\ndaily_from = 22:00:30\ndaily_to = '25:00'",
        4,
        (
            f'{ONE}.rates[0].daily_from: "22:00:30" can\'t be taken: write hours and minutes in UTC: "07:30". '
            "(1 more after it.)"
        ),
    ),
    (
        f"{RATE}meter = 'INPUT'\namount = 1\neffective_to = 2026-01-01\neffective_from = 2026-02-01",
        4,
        (
            f"{ONE}.rates[0].effective_to: 2026-01-01 is the first day the rate no longer holds; "
            "it has to come after 2026-02-01."
        ),
    ),
    (f"{PARAMETER}default = 1", 1, f"{ONE}.parameters.top.kind: it is missing."),
    (
        f"{PARAMETER}kind = 'NUMBER'\nminimum = 2\nmaximum = 1",
        3,
        f"{ONE}.parameters.top.minimum: 2 is more than the maximum, 1.",
    ),
    (
        f"{PARAMETER}kind = 'NUMBER'\ndefault = 'warm'",
        3,
        f'{ONE}.parameters.top.default: "warm" can\'t be the default: write a number.',
    ),
    (
        f"{PARAMETER}kind = 'BOOLEAN'\ndefault = 1",
        3,
        f"{ONE}.parameters.top.default: 1 can't be the default: write true or false.",
    ),
    (
        f"{PARAMETER}kind = 'NUMBER'\nmaximum = 1\ndefault = 1.5",
        4,
        f"{ONE}.parameters.top.default: 1.5 can't be the default: it is more than the maximum.",
    ),
    (
        f"{PARAMETER}kind = 'NUMBER'\ndefault = nan",
        3,
        f"{ONE}.parameters.top.default: NaN can't be the default: NaN is not a finite number.",
    ),
    (
        f"{PARAMETER}kind = 'ENUM'\nallowed_values = ['a']\ndefault = 'b'",
        4,
        f'{ONE}.parameters.top.default: "b" can\'t be the default: it is none of the allowed values.',
    ),
    (
        f"{PARAMETER}kind = 'OBJECT'\ndefault = {{ at = [2026-01-01] }}",
        3,
        f'{ONE}.parameters.top.default: {{"at": ["2026-01-01"]}} can\'t be the default: dates and times go in quotes.',
    ),
]


@pytest.mark.parametrize(("text", "line", "message"), MISTAKES, ids=[each[2][:60] for each in MISTAKES])
def test_a_mistake_is_named_with_its_line_and_the_way_out(text: str, line: int, message: str) -> None:
    with pytest.raises(OverlayError) as caught:
        from_toml(text)
    assert str(caught.value) == f"mine.toml, line {line}: {message}"


JSON_MISTAKES: list[tuple[str, int, str]] = [
    ("[1]", 1, "the file: [1] can't be taken: write a table (in JSON, an object)."),
    ('{"models":\n {"acme/one": {"name" 1}}}', 2, "this is no JSON: Expecting ':' delimiter."),
    (
        '{"models": {"acme/one": {"name": "a",\n "name": "b"}}}',
        2,
        f"{ONE}.name: the key stands twice, first on line 1. Keep one of them.",
    ),
    (
        '{"models": {"acme/one": {\n"price": {\n"output": 1, "input": NaN}}}}',
        3,
        f"{ONE}.price.input: NaN can't be taken: NaN is not a finite number.",
    ),
    (
        '{"models": {"acme/one": {\n"rates": [\n{"meter": "INPUT", "amount": 1},\n{"meter": "INPUT",\n"amount": true}]}}}',
        5,
        f'{ONE}.rates[1].amount: true can\'t be taken: write a number, with or without quotes: 0.3 or "0.3".',
    ),
    (
        '{"models": {"acme/one": {\n"name": "\\ud800"}}}',
        2,
        f'{ONE}.name: "\\ud800" can\'t be taken: write some text, without control characters.',
    ),
    (
        '{"models": {"acme/one": {\n"tagline": "a\\u0000b"}}}',
        2,
        f'{ONE}.tagline: "a\\u0000b" can\'t be taken: write some text, without control characters.',
    ),
]


@pytest.mark.parametrize(("text", "line", "message"), JSON_MISTAKES)
def test_a_mistake_in_json_is_named_with_its_line_and_the_way_out(text: str, line: int, message: str) -> None:
    with pytest.raises(OverlayError) as caught:
        parse(text.encode(), "mine.json")
    assert str(caught.value) == f"mine.json, line {line}: {message}"


UNKNOWN: list[tuple[str, int, str]] = [
    (
        '\n[models."acme/one"]\n',
        2,
        f'{ONE}: no source knows the provider "acme". Mend the name, or introduce it with [providers.acme].',
    ),
    (
        '\n[models."opneai/tiny-large"]\n',
        2,
        (
            'models."opneai/tiny-large": no source knows the provider "opneai". Did you mean "openai"? '
            "Mend the name, or introduce it with [providers.opneai]."
        ),
    ),
    (
        "[providers.opneai]\nname = 'OpenAI'\n",
        1,
        (
            'providers.opneai: no source knows this provider and no model here is sold by it. Did you mean "openai"? '
            "Mend the name, or add a model of it."
        ),
    ),
    (
        f"{MODEL}[providers.acme]\nname = 'A'",
        2,
        "providers.acme: a provider of your own needs a kind: LAB, CLOUD, GATEWAY or LOCAL.",
    ),
    (
        '[models."openai/other"]\n[models."openai/Tiny-large"]\n',
        2,
        'models."openai/Tiny-large": this model is known as "openai/tiny-large". Write it with the same letters.',
    ),
    (
        '[models."openai/other"]\n[models."openai/Other"]\n',
        2,
        'models."openai/Other": this model is known as "openai/other". Write it with the same letters.',
    ),
]


@pytest.mark.parametrize(("text", "line", "message"), UNKNOWN)
def test_what_no_source_knows_and_nobody_introduces_is_refused(text: str, line: int, message: str) -> None:
    overlay = from_toml(text)
    with pytest.raises(OverlayError) as caught:
        overlay.check(tiny())
    assert str(caught.value) == f"mine.toml, line {line}: {message}"


def missing(path: Path) -> str:
    return f"{path}: the overlay can't be read: No such file or directory. Mend the path or the file's rights."


def folder(path: Path) -> str:
    path.mkdir()
    return f"{path}: this is no file. Name a TOML or JSON file as the overlay."


def latin_1(path: Path) -> str:
    path.write_bytes("# one\n\n# café\n".encode("latin-1"))
    return f"{path}, line 3: the byte 0xe9 is no UTF-8. Save the file as UTF-8."


@pytest.mark.parametrize("made", [missing, folder, latin_1])
def test_a_file_that_cant_be_read_says_why(made: Callable[[Path], str], tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    message = made(path)
    with pytest.raises(OverlayError) as caught:
        read(path)
    assert str(caught.value) == message


@pytest.mark.parametrize("command", [("load",), ("serve", "--port", "0")])
async def test_a_mistake_refuses_the_whole_load_and_the_registry_keeps_what_it_had(
    url: str, tmp_path: Path, command: tuple[str, ...]
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f"{MODEL}context_window = 'large'\n", encoding="utf-8")
    if command == ("load",):
        engine = database.create_engine(url)
        await database.prepare(engine)
        await put(engine, tiny())
        await engine.dispose()
    done = modelmeta(*command, "--overlay", str(path), database_url=url)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        f'modelmeta: {path}, line 2: {ONE}.context_window: "large" can\'t be taken: '
        "write a whole number of tokens, 2,147,483,647 at most: 128000."
    )
    assert "Traceback" not in done.stderr
    engine = database.create_engine(url)
    data: dict[str, Any] = await asker(engine)("{ registry { modelCount } models { nodes { ref } } }")
    await engine.dispose()
    assert data["registry"]["modelCount"] == (3 if command == ("load",) else 0)


async def test_the_setting_and_the_flag_both_name_the_file(url: str, tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    by_variable = modelmeta("load", overlay=str(missing), database_url=url)
    by_flag = modelmeta("load", "--overlay", str(missing), overlay="other.toml", database_url=url)
    for done in (by_variable, by_flag):
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            f"modelmeta: {missing}: the overlay can't be read: No such file or directory. "
            "Mend the path or the file's rights.\n"
        )
