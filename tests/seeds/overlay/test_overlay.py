"""The promise: an overlay is trusted to the last digit, and a mistake in it is refused as a whole, with its key path."""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from schema.column_types import dump_json, is_array, is_object, load_json
from schema.enums import Meter
from schema.pricing.rates import USUAL_UNITS
from seeds import load
from seeds.catalogue import Catalogue
from seeds.curated import loader
from seeds.overlay import shape
from seeds.overlay.loader import Overlay, OverlayError, format_key_path, parse, read, read_document
from server import database
from tests.support.registry import NOW, Ask, asker, create_database, drop_database, put, tiny
from tests.support.servers import modelmeta

EXAMPLE = Path(__file__).parents[3] / "seeds" / "overlay" / "example.toml"


@pytest.fixture(scope="module")
def whole() -> load.Loaded:
    """The bundled sources with the example overlay."""
    return load.read(overlay=EXAMPLE)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def registry(kind: str, whole: load.Loaded, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ask]:
    """The whole registry with the example overlay. Tests only read it."""
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
    """A response as a client parses it, digit for digit."""
    answer: dict[str, Any] = load_json(orjson.dumps(data).decode())
    return answer


def over(text: str) -> list[Catalogue]:
    """The tiny registry with an overlay."""
    overlay = from_toml(text)
    overlay.check(tiny())
    return [overlay.catalogue, *tiny()]


# ------------------------------------------------------------------------------------------------ what is trusted


async def test_the_private_model_of_the_example_is_in_the_graph(registry: Ask, whole: load.Loaded) -> None:
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
            | {"note": "Includes reasoning tokens."},
            knob
            | {"name": "tone", "label": "Tone", "kind": "ENUM", "default": "plain"}
            | {"allowedValues": ["plain", "formal"]},
            knob | {"name": "seed", "label": "Seed", "kind": "INTEGER", "supported": False},
        ],
        "facts": [{"value": 128_000, "source": {"slug": "overlay"}, "others": []}],
    }
    assert [price for price in prices if price["serviceTier"] == "STANDARD" and price["meter"] == "INPUT"] == [
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


async def test_a_negotiated_price_wins_and_the_upstream_price_stays_visible(registry: Ask) -> None:
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


async def test_a_correction_replaces_only_what_it_names(engine: AsyncEngine) -> None:
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
async def test_a_model_can_be_declared_to_have_no_price(engine: AsyncEngine, publication: str) -> None:
    await put(engine, over(f'[models."openai/tiny-large"]\nprice.publication = "{publication}"\n'))
    document = '{ model(ref: "openai/tiny-large") { price { input publication } prices { amount publication } } }'
    assert await asker(engine)(document) == {
        "model": {
            "price": {"input": None, "publication": publication},
            "prices": [{"amount": None, "publication": publication}] * 2,
        }
    }


async def test_removing_an_overlay_removes_what_it_set(engine: AsyncEngine) -> None:
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


async def test_an_amount_is_exact_to_the_last_digit_in_every_notation(engine: AsyncEngine) -> None:
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
    nodes = {node["slug"]: node for node in data["models"]["nodes"]}
    for number, answer in enumerate(AMOUNTS.values()):
        for way in ("number", "text", "json"):
            node = nodes[f"{way}-{number}"]
            assert (node["price"]["input"], node["prices"][0]["amount"]) == (answer, answer)
        assert nodes[f"number-{number}"]["parameters"] == [{"default": Decimal(answer), "maximum": answer}]


def test_json_and_toml_give_the_same_overlay() -> None:
    document = read_document(EXAMPLE.read_bytes(), EXAMPLE.name)
    text = dump_json(document)
    assert load_json(text)["models"]["acme/assistant-1"]["release_date"] == "2026-10-01"
    as_json = parse(text.encode(), "mine.json").catalogue
    as_toml = read(EXAMPLE).catalogue
    assert {model.slug: model for model in as_json.models} == {model.slug: model for model in as_toml.models}
    assert as_json.providers == as_toml.providers
    # Content that starts with a brace is JSON, whatever the file's name; a byte order mark is ignored.
    assert parse(b"\xef\xbb\xbf" + text.encode(), "mine").catalogue == as_json


def test_the_overlay_can_set_whatever_the_curated_files_can() -> None:
    curated_only = {"reference", "unsupported_parameters", "providers", "create"}
    assert set(loader.ModelShape.model_fields) - curated_only <= set(shape.ModelShape.model_fields)
    assert set(USUAL_UNITS) == set(Meter)


def keys(value: Any) -> Iterator[str]:
    """Every key in a parsed document."""
    if is_object(value):
        yield from value
        value = list(value.values())
    if is_array(value):
        for item in value:
            yield from keys(item)


def test_the_example_shows_every_key() -> None:
    written = set(keys(read_document(EXAMPLE.read_bytes(), EXAMPLE.name)))
    for part in (shape.ProviderShape, shape.ModelShape, shape.ParameterShape):
        assert set(part.model_fields) - {"version_of", "deprecation_date", "retirement_date"} <= written, part
    assert set(shape.RateShape.model_fields) <= written
    assert set(shape.PriceShape.model_fields) - {"cache_write"} <= written


def test_the_overlay_in_the_readme_is_valid() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", (EXAMPLE.parents[2] / "README.md").read_text("utf-8"), re.DOTALL)
    refs = [f"{model.provider}/{model.slug}" for model in from_toml(block).catalogue.models]
    assert refs == ["acme/assistant-1", "openai/gpt-4.1-mini"]


# ------------------------------------------------------------------------------------------------ what is refused

MODEL = '[models."acme/one"]\n'
RATE = '[[models."acme/one".rates]]\n'
PARAMETER = '[models."acme/one".parameters.top]\n'
ONE = 'models."acme/one"'
MISTAKES: list[tuple[str, str]] = [
    ("\nname = \n", "not valid TOML: Invalid value (at line 2, column 8)."),
    (f'{MODEL}name = "A"\nname = "B"\n', "not valid TOML: Cannot overwrite a value (at line 3, column 11)."),
    ("[modles]\n", 'modles: unknown key. Did you mean "models"?'),
    (
        f'{MODEL}name = "A"\n\ncontextwindow = 5\n',
        f'{ONE}.contextwindow: unknown key. Did you mean "context_window"?',
    ),
    (
        "[providers.acme]\nzzz = 1\n",
        (
            "providers.acme.zzz: unknown key. "
            "Known keys: name, kind, website_url, docs_url, api_base_url, credential_variables."
        ),
    ),
    (
        f"{MODEL}price = {{ input = 1, cash_read = 2 }}",
        f'{ONE}.price.cash_read: unknown key. Did you mean "cache_read"?',
    ),
    (
        f"{PARAMETER}kind = 'NUMBER'\nmax = 1",
        f'{ONE}.parameters.top.max: unknown key. Did you mean "maximum"?',
    ),
    ("models = 'many'", 'models: "many" is not valid: write a table (in JSON, an object).'),
    (f"{MODEL}aliases = 'a'", f'{ONE}.aliases: "a" is not valid: write an array: [ ].'),
    (f"{MODEL}name = 1", f"{ONE}.name: 1 is not valid: write text in quotes."),
    (f"{MODEL}name = ' '", f'{ONE}.name: " " is not valid: write some text, without control characters.'),
    (f"{MODEL}is_flagship = 'yes'", f'{ONE}.is_flagship: "yes" is not valid: write true or false.'),
    (f"{MODEL}status = 'active'", f'{ONE}.status: "active" is not a valid value. Did you mean "ACTIVE"?'),
    (
        f"{MODEL}input_modalities = [\n  'TEXT',\n  'SMELL',\n]",
        f'{ONE}.input_modalities[1]: "SMELL" is not a valid value. Valid values: TEXT, IMAGE, AUDIO, VIDEO, PDF, EMBEDDING.',
    ),
    (
        f"{MODEL}capabilities = ['VISION']\nwithout_capabilities = ['BATCH',\n'VISION']",
        f"{ONE}.without_capabilities[1]: VISION is also in capabilities. Remove one of them.",
    ),
    (
        f"\n{MODEL}context_window = '128k'",
        f'{ONE}.context_window: "128k" is not valid: write a whole number of tokens, 2,147,483,647 at most: 128000.',
    ),
    (
        f"{MODEL}context_window = true",
        f"{ONE}.context_window: true is not valid: write a whole number of tokens, 2,147,483,647 at most: 128000.",
    ),
    (
        f"{MODEL}max_output_tokens = 3_000_000_000",
        (
            f"{ONE}.max_output_tokens: 3000000000 is not valid: "
            "write a whole number of tokens, 2,147,483,647 at most: 128000."
        ),
    ),
    (
        f"{MODEL}context_window = 0",
        f"{ONE}.context_window: 0 is not valid: a limit can't be 0. Leave it out if it is not known.",
    ),
    (
        f"{MODEL}release_date = 2026",
        f"{ONE}.release_date: 2026 is not valid: write a valid date: 2026-12-31.",
    ),
    (
        f"{MODEL}release_date = '2026-02-30'",
        f'{ONE}.release_date: "2026-02-30" is not valid: write a valid date: 2026-12-31.',
    ),
    (
        f"{MODEL}knowledge_cutoff = '2025-13'",
        f'{ONE}.knowledge_cutoff: "2025-13" is not valid: write a year, a month or a day in quotes: "2025-06".',
    ),
    (
        f"{MODEL}aliases = ['two words']",
        f'{ONE}.aliases[0]: "two words" is not valid: write a name without spaces.',
    ),
    (
        f"{MODEL}canonical = 'one'",
        f'{ONE}.canonical: "one" is not valid: write maker/model: "openai/gpt-4.1-mini".',
    ),
    (
        "[models.acme]\n",
        'models.acme: "acme" is not valid: write provider/model, the provider in lower case: "acme/assistant-1".',
    ),
    (
        "[providers.Acme]\n",
        'providers.Acme: "Acme" is not valid: write a provider\'s id in lower case: acme.',
    ),
    (
        "[providers.acme]\nkind = 'CLOUD'\napi_base_url = 'llm.example'",
        ('providers.acme.api_base_url: "llm.example" is not valid: write a URL that starts with https:// or http://.'),
    ),
    (
        f"{MODEL}reasons.context_window = 'so'",
        f"{ONE}.reasons.context_window: this entry does not set this fact. Name one that it sets.",
    ),
    (
        "[models]\n'acme/one'.price.input = 'free'",
        f'{ONE}.price.input: "free" is not valid: write a number, with or without quotes: 0.3 or "0.3".',
    ),
    (f"{MODEL}price.input = -0.1", f"{ONE}.price.input: -0.1 is not valid: a price can't be negative."),
    (
        f"{PARAMETER}kind = 'NUMBER'\nmaximum = 1e-999999999",
        f"{ONE}.parameters.top.maximum: 1E-999999999 is not valid: 1E-999999999 has more digits than are stored (20 before the point, 18 after).",
    ),
    (f"{MODEL}price.input = inf", f"{ONE}.price.input: Infinity is not valid: Infinity is not a finite number."),
    (
        f"{MODEL}price.input = 1e-999999999999999999999999",
        f"{ONE}.price.input: Infinity is not valid: Infinity is not a finite number.",
    ),
    (
        f"{MODEL}price.input = 0.1234567890123456789",
        (
            f"{ONE}.price.input: 0.1234567890123456789 is not valid: 0.1234567890123456789 has more digits than are stored "
            "(20 before the point, 18 after)."
        ),
    ),
    (
        f"{MODEL}price.input = 1\nprice.output = 0",
        (
            f'{ONE}.price.output: 0 is ambiguous. Write publication = "FREE" for no charge, "INCLUDED" without an amount '
            "if a subscription covers it, or leave it out if the model does not have this meter."
        ),
    ),
    (
        f"{MODEL}[{ONE}.price]\npublication = 'FREE'\ninput = 1",
        f'{ONE}.price.input: publication = "FREE" means no charge, but the amount is 1. Remove one of them.',
    ),
    (
        f"{RATE}meter = 'INPUT'\npublication = 'INCLUDED'\namount = 1",
        f'{ONE}.rates[0].amount: publication = "INCLUDED" does not allow an amount. Remove one of them.',
    ),
    (f"\n[{ONE}.price]\n", f"{ONE}.price: it has no amount. Set input, output, cache_read or cache_write."),
    (f"{RATE}meter = 'INPUT'\namount = 1\n{RATE}amount = 1", f"{ONE}.rates[1].meter: this key is required."),
    (
        f"{RATE}meter = 'INPUT'",
        f'{ONE}.rates[0].amount: this key is required, unless publication is "FREE", "INCLUDED" or "NOT_PUBLISHED".',
    ),
    (
        f"{RATE}meter = 'INPUT'\namount = 1\n{RATE}meter = 'OUTPT'\namount = 1",
        f'{ONE}.rates[1].meter: "OUTPT" is not a valid value. Did you mean "OUTPUT"?',
    ),
    (
        f"{MODEL}price.input = 1\nrates = [\n  {{ meter = 'OUTPUT', amount = 1 }},\n  {{ meter = 'INPUT', amount = 1 }},\n]",
        (
            f"{ONE}.rates[1]: STANDARD INPUT has another rate for the same time and context size. "
            "Keep one of them, or set effective_from and effective_to so that one follows the other."
        ),
    ),
    (
        f"{RATE}meter = 'INPUT'\namount = 1\ndaily_from = '22:00'",
        f"{ONE}.rates[0].daily_from: a daily window needs both daily_from and daily_to, and they must differ.",
    ),
    (
        f"{RATE}meter = 'INPUT'\namount = 1\ndaily_from = 22:00:30\ndaily_to = '25:00'",
        (
            f'{ONE}.rates[0].daily_from: "22:00:30" is not valid: write hours and minutes in UTC: "07:30". '
            "(1 more after it.)"
        ),
    ),
    (
        f"{RATE}meter = 'INPUT'\namount = 1\neffective_to = 2026-01-01\neffective_from = 2026-02-01",
        (
            f"{ONE}.rates[0].effective_to: 2026-01-01 is the first day the rate no longer applies. "
            "It must be after effective_from, 2026-02-01."
        ),
    ),
    (f"{PARAMETER}default = 1", f"{ONE}.parameters.top.kind: this key is required."),
    (
        f"{PARAMETER}kind = 'NUMBER'\nminimum = 2\nmaximum = 1",
        f"{ONE}.parameters.top.minimum: 2 is greater than the maximum, 1.",
    ),
    (
        f"{PARAMETER}kind = 'NUMBER'\ndefault = 'warm'",
        f'{ONE}.parameters.top.default: "warm" is not a valid default: write a number.',
    ),
    (
        f"{PARAMETER}kind = 'BOOLEAN'\ndefault = 1",
        f"{ONE}.parameters.top.default: 1 is not a valid default: write true or false.",
    ),
    (
        f"{PARAMETER}kind = 'NUMBER'\nmaximum = 1\ndefault = 1.5",
        f"{ONE}.parameters.top.default: 1.5 is not a valid default: it is greater than the maximum.",
    ),
    (
        f"{PARAMETER}kind = 'NUMBER'\ndefault = nan",
        f"{ONE}.parameters.top.default: NaN is not a valid default: NaN is not a finite number.",
    ),
    (
        f"{PARAMETER}kind = 'ENUM'\nallowed_values = ['a']\ndefault = 'b'",
        f'{ONE}.parameters.top.default: "b" is not a valid default: it is not one of the allowed values.',
    ),
    (
        f"{PARAMETER}kind = 'OBJECT'\ndefault = {{ at = [2026-01-01] }}",
        f'{ONE}.parameters.top.default: {{"at": ["2026-01-01"]}} is not a valid default: write dates and times in quotes.',
    ),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES, ids=[message[:60] for _, message in MISTAKES])
def test_a_mistake_is_named_with_its_key_path_and_the_fix(text: str, message: str) -> None:
    with pytest.raises(OverlayError) as caught:
        from_toml(text)
    assert str(caught.value) == f"mine.toml: {message}"


JSON_MISTAKES: list[tuple[str, str]] = [
    ("[1]", "the file: [1] is not valid: write a table (in JSON, an object)."),
    (
        '{"models":\n {"acme/one": {"name" 1}}}',
        "not valid JSON: expecting ':' delimiter at line 2, column 23. Fix the file.",
    ),
    (
        '{"models": {"acme/one": {"name": "a",\n "name": "b"}}}',
        'not valid JSON: it contains the key "name" twice in one object. Fix the file.',
    ),
    (
        '{"models": {"acme/one": {\n"price": {\n"output": 1, "input": NaN}}}}',
        "not valid JSON: it contains NaN, which is not JSON. Fix the file.",
    ),
    (
        '{"models": {"acme/one": {\n"rates": [\n{"meter": "INPUT", "amount": 1},\n{"meter": "INPUT",\n"amount": true}]}}}',
        f'{ONE}.rates[1].amount: true is not valid: write a number, with or without quotes: 0.3 or "0.3".',
    ),
    (
        '{"models": {"acme/one": {\n"name": "\\ud800"}}}',
        f'{ONE}.name: "\\ud800" is not valid: write some text, without control characters.',
    ),
    (
        '{"models": {"acme/one": {\n"tagline": "a\\u0000b"}}}',
        f'{ONE}.tagline: "a\\u0000b" is not valid: write some text, without control characters.',
    ),
]


@pytest.mark.parametrize(("text", "message"), JSON_MISTAKES)
def test_a_mistake_in_json_is_named_with_its_key_path_and_the_fix(text: str, message: str) -> None:
    with pytest.raises(OverlayError) as caught:
        parse(text.encode(), "mine.json")
    assert str(caught.value) == f"mine.json: {message}"


SYNTAX_MISTAKES: list[tuple[str, str, str]] = [
    ("mine.toml", "a = 1\nb = [1, 2\n", "mine.toml: not valid TOML: Unclosed array (at end of document)."),
    ("mine.toml", "a = 1\n[b]\n[b]\n", "mine.toml: not valid TOML: Cannot declare ('b',) twice (at line 3, column 3)."),
    ("mine.json", "", "mine.json: not valid JSON: expecting value at line 1, column 1. Fix the file."),
    (
        "mine.json",
        '{"a":\n\n 1 2}',
        "mine.json: not valid JSON: expecting ',' delimiter at line 3, column 4. Fix the file.",
    ),
    ("mine.json", "[" * 200_000, "mine.json: not valid JSON: it is nested too deeply. Fix the file."),
    ("mine.toml", "a = " + "9" * 5000, "mine.toml: a number has too many digits. Fix the file."),
    (
        "mine.json",
        '{"a": ' + "9" * 5000 + "}",
        "mine.json: not valid JSON: it contains a number of 5,000 digits. Fix the file.",
    ),
]


@pytest.mark.parametrize(
    ("name", "text", "message"), SYNTAX_MISTAKES, ids=[text[:10] for _, text, _ in SYNTAX_MISTAKES]
)
def test_a_syntax_error_is_named_with_its_line(name: str, text: str, message: str) -> None:
    with pytest.raises(OverlayError) as caught:
        parse(text.encode(), name)
    assert str(caught.value) == message


KEYS = st.sampled_from(
    [
        *shape.FileShape.model_fields,
        *shape.ModelShape.model_fields,
        *shape.RateShape.model_fields,
        *shape.ParameterShape.model_fields,
        "acme/one",
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False)
    | st.text(max_size=5)
    | st.sampled_from(["TEXT", "a/b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | KEYS, inner, max_size=4),
)


@given(st.dictionaries(KEYS, VALUES, max_size=3) | VALUES, st.booleans())
def test_any_document_gives_an_overlay_or_a_mistake_in_one_line(document: Any, as_model: bool) -> None:
    text = json.dumps({"models": {"acme/one": document}} if as_model else document, default=float)
    try:
        parse(text.encode(), "mine.json")
    except OverlayError as error:
        assert str(error).startswith("mine.json: ")
        assert str(error).isprintable()


def test_a_key_path_is_written_as_in_toml() -> None:
    assert format_key_path(("models", "acme/one", "rates", 0, "amount")) == 'models."acme/one".rates[0].amount'
    assert format_key_path(("a b", "", 'c"', "é\n")) == '"a b".""."c\\""."é\\n"'


UNKNOWN: list[tuple[str, str]] = [
    (
        '\n[models."acme/one"]\n',
        f'{ONE}: no source has the provider "acme". Fix the name, or define the provider with [providers.acme].',
    ),
    (
        '\n[models."opneai/tiny-large"]\n',
        (
            'models."opneai/tiny-large": no source has the provider "opneai". Did you mean "openai"? '
            "Fix the name, or define the provider with [providers.opneai]."
        ),
    ),
    (
        "[providers.opneai]\nname = 'OpenAI'\n",
        (
            'providers.opneai: no source has this provider, and no model here uses it. Did you mean "openai"? '
            "Fix the name, or add one of its models."
        ),
    ),
    (
        f"{MODEL}[providers.acme]\nname = 'A'",
        "providers.acme: a new provider needs a kind: LAB, CLOUD, GATEWAY or LOCAL.",
    ),
    (
        '[models."openai/other"]\n[models."openai/Tiny-large"]\n',
        'models."openai/Tiny-large": this model is listed as "openai/tiny-large". Use the same upper and lower case.',
    ),
    (
        '[models."openai/other"]\n[models."openai/Other"]\n',
        'models."openai/Other": this model is listed as "openai/other". Use the same upper and lower case.',
    ),
]


@pytest.mark.parametrize(("text", "message"), UNKNOWN)
def test_an_unknown_provider_that_is_not_defined_is_refused(text: str, message: str) -> None:
    overlay = from_toml(text)
    with pytest.raises(OverlayError) as caught:
        overlay.check(tiny())
    assert str(caught.value) == f"mine.toml: {message}"


def missing(path: Path) -> str:
    return f"{path}: the overlay can't be read: No such file or directory. Check the path and the file's permissions."


def folder(path: Path) -> str:
    path.mkdir()
    return f"{path}: not a file. Name a TOML or JSON file as the overlay."


def latin_1(path: Path) -> str:
    path.write_bytes("# one\n\n# café\n".encode("latin-1"))
    return f"{path}, line 3: byte 0xe9 is not UTF-8. Save the file as UTF-8."


@pytest.mark.parametrize("made", [missing, folder, latin_1])
def test_an_unreadable_file_is_reported_with_the_reason(made: Callable[[Path], str], tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    message = made(path)
    with pytest.raises(OverlayError) as caught:
        read(path)
    assert str(caught.value) == message


@pytest.mark.parametrize("command", [("load",), ("serve", "--port", "0")])
async def test_a_mistake_refuses_the_whole_load_and_the_registry_stays_as_it_was(
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
        f'modelmeta: {path}: {ONE}.context_window: "large" is not valid: '
        "write a whole number of tokens, 2,147,483,647 at most: 128000."
    )
    assert "Traceback" not in done.stderr
    engine = database.create_engine(url)
    data: dict[str, Any] = await asker(engine)("{ registry { modelCount } models { nodes { ref } } }")
    await engine.dispose()
    assert data["registry"]["modelCount"] == (3 if command == ("load",) else 0)


async def test_both_the_setting_and_the_flag_name_the_file(url: str, tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    by_variable = modelmeta("load", overlay=str(missing), database_url=url)
    by_flag = modelmeta("load", "--overlay", str(missing), overlay="other.toml", database_url=url)
    for done in (by_variable, by_flag):
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            f"modelmeta: {missing}: the overlay can't be read: No such file or directory. "
            "Check the path and the file's permissions.\n"
        )
