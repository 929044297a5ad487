"""The promise: a reference in any spelling resolves to the model its author meant, or to none; never to another one."""

import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col

from schema import tables
from schema.context import context
from schema.enums import ProviderKind, ResolutionKind
from schema.references.ids import normalize_word
from schema.references.prefixes import CARRIERS, PATHS, PROVIDERS
from schema.references.resolve import resolutions
from seeds.catalogue import Catalogue, ModelClaims, ProviderClaims
from tests.support.registry import NOW, Ask, asker, put, tiny

RESOLVE = """query($ref: String!) { resolveModel(ref: $ref) { matched model { ref } candidates { score model { ref } } }
  model(ref: $ref) { ref } }"""
TABLE: dict[str, list[dict[str, Any]]] = tomllib.loads(
    (Path(__file__).parent / "references.toml").read_text(encoding="utf-8")
)
REFERENCES = [(system, entry) for system, entries in TABLE.items() for entry in entries]


async def read(full: Ask, ref: str) -> tuple[str | None, str, list[tuple[str, float]]]:
    """The model a reference means, how it was matched, and its candidates."""
    data = await full(RESOLVE, {"ref": ref})
    found = data["resolveModel"]
    assert data["model"] == found["model"]
    candidates = [(each["model"]["ref"], each["score"]) for each in found["candidates"]]
    return found["model"] and found["model"]["ref"], found["matched"], candidates


# ---- references.toml ----


@pytest.mark.parametrize(("system", "entry"), REFERENCES, ids=[entry["ref"] for _, entry in REFERENCES])
async def test_a_reference_means_what_its_author_meant(full: Ask, system: str, entry: dict[str, Any]) -> None:
    model, matched, _ = await read(full, entry["ref"])
    if "fails" in entry:
        assert (model or "") != entry["model"], f"{system}: holds now; strike out `fails`"
    else:
        assert (model or "") == entry["model"], (system, matched)


def test_at_least_140_of_150_references_are_resolved_correctly() -> None:
    assert len(REFERENCES) >= 150
    assert len({entry["ref"] for _, entry in REFERENCES}) == len(REFERENCES)
    assert sum("fails" not in entry for _, entry in REFERENCES) >= 140
    assert sum("fails" in entry for _, entry in REFERENCES) <= len(REFERENCES) / 15


# ---- every model, every alias ----


@pytest.mark.parametrize("spelling", ["{provider}/{slug}", "{provider}:{slug}", "{slug}@{provider}"])
async def test_every_models_own_reference_is_an_exact_match(full_engine: AsyncEngine, spelling: str) -> None:
    async with context(full_engine) as asked:
        models = await asked.tuples(
            sa.select(col(tables.Model.ref), col(tables.Model.provider_slug), col(tables.Model.slug))
        )
        assert len(models) > 6_500
        wrong: list[str] = []
        for start in range(0, len(models), 500):
            batch = models[start : start + 500]
            refs = [spelling.format(provider=row.provider_slug, slug=row.slug) for row in batch]
            for row, found in zip(batch, await resolutions(asked, refs), strict=True):
                if found.model is None or found.model.ref != row.ref or found.matched is not ResolutionKind.EXACT:
                    wrong.append(row.ref)
    assert wrong == []


async def test_every_recorded_alias_with_its_provider_means_its_model(full_engine: AsyncEngine) -> None:
    model, alias = tables.Model, tables.Alias
    async with context(full_engine) as asked:
        rows = await asked.tuples(
            sa.select(col(model.ref), col(model.provider_slug), col(alias.name), col(alias.kind)).join(
                alias, col(alias.model_id) == col(model.id)
            )
        )
        refs = {row.ref for row in await asked.tuples(sa.select(col(model.ref)))}
        own = [row for row in rows if f"{row.provider_slug}/{row.name}" not in refs]
        assert len(own) > 1_000
        found = await resolutions(asked, [f"{row.provider_slug}/{row.name}" for row in own])
    for row, each in zip(own, found, strict=True):
        assert each.model is not None
        assert (each.model.ref, each.matched.name) == (row.ref, row.kind.name)


async def test_a_bare_id_means_its_makers_model_or_that_of_a_provider_that_lists_it(full_engine: AsyncEngine) -> None:
    model = tables.Model
    async with context(full_engine) as asked:
        rows = await asked.tuples(
            sa.select(col(model.slug), col(model.ref), col(model.provider_slug), col(model.canonical))
        )
        holders: dict[str, list[Any]] = defaultdict(list)
        for row in rows:
            holders[row.slug].append(row)
        slugs = sorted(holders)
        answers = dict(zip(slugs, await resolutions(asked, slugs), strict=True))
        labs = {
            row.slug
            for row in await asked.tuples(sa.select(col(tables.Provider.slug), col(tables.Provider.kind)))
            if row.kind is ProviderKind.LAB
        }
    unread = [slug for slug, found in answers.items() if found.model is None]
    # The others are listed by providers with different identities, none of them a lab.
    assert len(unread) <= 5, unread
    for slug in unread:
        assert len({row.canonical for row in holders[slug]}) > 1
    strangers: list[tuple[str, str]] = []
    for slug, found in answers.items():
        if found.model is None:
            continue
        maker = (found.model.canonical or "").partition("/")[0]
        same = {row.canonical for row in holders[slug]} == {found.model.canonical}
        makers_own = found.model.provider_slug in labs and (found.model.provider_slug == maker or same)
        held = any(row.ref == found.model.ref for row in holders[slug])
        named = found.model.provider_slug in PROVIDERS.get(slug.partition("/")[0], ())
        if not (makers_own or held or named):
            strangers.append((slug, found.model.ref))
    assert strangers == []


# ---- kinds ----


@pytest.mark.parametrize(
    ("ref", "model", "matched"),
    [
        ("openai/gpt-4.1-mini", "openai/gpt-4.1-mini", "EXACT"),
        ("openai:gpt-4.1-mini", "openai/gpt-4.1-mini", "EXACT"),
        ("gpt-4.1-mini@openai", "openai/gpt-4.1-mini", "EXACT"),
        ("gpt-4.1-mini", "openai/gpt-4.1-mini", "EXACT"),
        ("llama-3.3-70b-versatile", "groq/llama-3.3-70b-versatile", "EXACT"),
        ("openrouter/openai/gpt-4.1-mini", "openrouter/openai/gpt-4.1-mini", "EXACT"),
        ("xai/grok-4", "xai/grok-4-0709", "ALIAS"),
        ("grok-4", "xai/grok-4-0709", "ALIAS"),
        ("anthropic:claude-sonnet-4", "anthropic/claude-sonnet-4-0", "ALIAS"),
        ("openai/gpt-4.1-mini-2025-04-14", "openai/gpt-4.1-mini", "SNAPSHOT"),
        ("azure/gpt-4o-2024-08-06", "azure/gpt-4o", "SNAPSHOT"),
        ("azure/gpt-4.1-mini-2025-04-14", "azure/gpt-4.1-mini", "SNAPSHOT"),
        ("OpenAI/gpt-4.1-mini", "openai/gpt-4.1-mini", "NORMALISED"),
        ("gpt_4_1_mini", "openai/gpt-4.1-mini", "NORMALISED"),
        ("bedrock/us.amazon.nova-pro-v1:0", "amazon-bedrock/amazon.nova-pro-v1:0", "NORMALISED"),
        ("claude-sonnet-4-5@20250929", "anthropic/claude-sonnet-4-5-20250929", "NORMALISED"),
        ("openai/gpt-4.1-mega", None, "NONE"),
        ("gpt-4.1-mni", None, "NONE"),
        ("", None, "NONE"),
    ],
)
async def test_the_response_says_how_the_reference_was_matched(
    full: Ask, ref: str, model: str | None, matched: str
) -> None:
    assert (await read(full, ref))[:2] == (model, matched)


@pytest.mark.parametrize(
    "ref",
    [
        *(
            "meta",
            "claude",
            "gpt",
            "gpt oss",
            "llama",
            "claude opus",
            "4.5",
            "3.2",
            "v3",
            "r1",
            "k2",
            "70b",
            "7b",
            "small",
        ),
        *("large", "pro", "mini", "flash", "chat", "instruct", "free", "latest"),
    ],
)
async def test_a_family_a_size_or_a_version_alone_means_no_model(full: Ask, ref: str) -> None:
    assert (await read(full, ref))[:2] == (None, "NONE")


async def test_a_gateways_prefix_leads_to_its_own_listing_or_else_to_the_makers(full: Ask) -> None:
    assert (await read(full, "fireworks_ai/glm-4p7"))[0] == "fireworks-ai/glm-4p7"
    assert (await read(full, "fireworks_ai/claude-sonnet-4.5"))[0] == "anthropic/claude-sonnet-4-5"
    # A lab serves only its own models, so another maker's model under its name is a contradiction.
    assert (await read(full, "cohere:claude-sonnet-4.5"))[:2] == (None, "NONE")
    # Neither the named provider nor the maker lists it.
    model, matched, candidates = await read(full, "replicate/nousresearch/hermes-4-70b")
    assert (model, matched) == (None, "NONE")
    assert candidates[0] == ("nebius/NousResearch/Hermes-4-70B", 0.9)


async def test_another_word_size_version_or_date_is_another_model(full: Ask) -> None:
    for ref in (
        "openai/gpt-4.1-mini-fp8",
        "claude-sonnet-4.55",
        "llama-3.3-71b-instruct",
        "llama-3.3-70b-instruct-fast",
        "deepseek/deepseek-v3:fast",
        "grok 4.5 mega",
        "openai/gpt-4o-2024-08-07",
        "someone/gpt-4.1-mini",
        "https://example.com/openai/gpt-4.1-mini",
        "accounts/someone/models/llama-v3p3-70b-instruct",
    ):
        assert (await read(full, ref))[:2] == (None, "NONE"), ref


def test_gateway_prefixes_are_normalized_and_have_one_meaning() -> None:
    for part in (*PROVIDERS, *CARRIERS, *PATHS):
        assert part == normalize_word(part)
    assert not CARRIERS & PROVIDERS.keys()
    assert not PATHS & (CARRIERS | PROVIDERS.keys())


async def test_gateway_prefixes_name_existing_providers(full: Ask) -> None:
    providers: set[str] = set()
    cursor = None
    while True:
        query = "query($after: String) { providers(first: 100, after: $after) { nodes { slug } pageInfo { hasNextPage endCursor } } }"
        page = (await full(query, {"after": cursor}))["providers"]
        providers |= {node["slug"] for node in page["nodes"]}
        cursor = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert {slug for named in PROVIDERS.values() for slug in named} <= providers


# ---- candidates ----


async def test_the_match_comes_first_among_the_candidates_then_offers_and_versions(full: Ask) -> None:
    _, _, candidates = await read(full, "openai/gpt-4o")
    assert candidates[0] == ("openai/gpt-4o", 1.0)
    assert ("azure/gpt-4o", 0.9) in candidates
    assert ("openai/gpt-4o-2024-08-06", 0.8) in candidates
    assert ("openai/gpt-4o-2024-11-20", 0.8) in candidates
    assert len(candidates) == 10


async def test_what_else_a_reference_may_mean_is_among_the_candidates(full: Ask) -> None:
    _, _, candidates = await read(full, "azure:gpt-4o-2024-08-06")
    assert candidates[0] == ("azure/gpt-4o", 1.0)
    assert ("openai/gpt-4o-2024-08-06", 0.9) in candidates


@pytest.mark.parametrize(
    ("ref", "model"),
    [
        ("gtp-4.1-mini", "openai/gpt-4.1-mini"),
        ("claude sonet 4.5", "anthropic/claude-sonnet-4-5"),
        ("azure/gtp-4.1-mini", "azure/gpt-4.1-mini"),
        ("mistral/mistral-lrge-latest", "mistral/mistral-large-latest"),
        ("someone/Llama-3.3-70B-Instruct", "llama/llama-3.3-70b-instruct"),
        ("gemini-2.5-prro", "google/gemini-2.5-pro"),
        ("openai/gpt-4.1-mini-2031-01-01", "openai/gpt-4.1-mini"),
        ("deepseek-v3.2-terminous", "deepseek/deepseek-v3.1-terminus"),
    ],
)
async def test_a_near_miss_is_a_candidate_but_not_a_match(full: Ask, ref: str, model: str) -> None:
    found, matched, candidates = await read(full, ref)
    assert (found, matched) == (None, "NONE")
    assert candidates[0][0] == model
    assert 0 < candidates[0][1] <= 0.7


@pytest.mark.parametrize("ref", ["openai/gpt-4o", "gtp-4.1-mini", "llama", "qwen3-coder", "auto", "claude", "zzzz", ""])
async def test_candidates_are_few_distinct_and_best_first(full: Ask, ref: str) -> None:
    _, _, candidates = await read(full, ref)
    scores = [score for _, score in candidates]
    assert len(candidates) <= 10
    assert len({model for model, _ in candidates}) == len(candidates)
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)


# ---- ambiguous references ----


def ambiguous_models() -> list[Catalogue]:
    """The tiny registry with two unidentified models under one id, and a gateway's listing of a lab's model."""
    catalogues = tiny()
    catalogues[0].providers |= {
        "poe": ProviderClaims("Poe", ProviderKind.GATEWAY),
        "venice": ProviderClaims("Venice", ProviderKind.CLOUD),
    }
    catalogues[2].models += [
        ModelClaims("poe", "wanderer-9", facts={"name": "Wanderer 9"}),
        ModelClaims("venice", "wanderer-9", facts={"name": "Wanderer Nine"}),
        ModelClaims("poe", "Tiny-Small", facts={"name": "Tiny Small"}),
    ]
    return catalogues


async def test_two_models_that_fit_equally_well_are_not_a_match(engine: AsyncEngine) -> None:
    await put(engine, ambiguous_models())
    ask = asker(engine)
    for ref in ("wanderer-9", "Wanderer 9", "WANDERER_9"):
        model, matched, candidates = await read(ask, ref)
        assert (model, matched) == (None, "NONE"), ref
        assert candidates == [("venice/wanderer-9", 0.9), ("poe/wanderer-9", 0.9)]
    # With the provider's name it is unambiguous.
    assert (await read(ask, "POE/Wanderer_9"))[:2] == ("poe/wanderer-9", "NORMALISED")


async def test_the_lab_that_made_a_model_comes_before_resellers(engine: AsyncEngine) -> None:
    await put(engine, ambiguous_models())
    ask = asker(engine)
    assert (await read(ask, "tiny-small"))[:2] == ("openai/tiny-small", "EXACT")
    assert (await read(ask, "TINY SMALL"))[:2] == ("openai/tiny-small", "NORMALISED")
    assert (await read(ask, "azure:tiny_small"))[:2] == ("azure/tiny-small", "NORMALISED")


async def test_models_added_by_a_refresh_are_found_at_once(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    ask = asker(engine)
    assert (await read(ask, "Tiny Huge"))[:2] == (None, "NONE")
    more = tiny()
    more[2].models.append(ModelClaims("openai", "tiny-huge", facts={"name": "Tiny Huge"}))
    await put(engine, more, NOW.replace(hour=13))
    assert (await read(ask, "Tiny Huge"))[:2] == ("openai/tiny-huge", "NORMALISED")


# ---- statements ----


def selects(statements: list[str]) -> list[str]:
    return [each for each in statements if each.lstrip().upper().startswith(("SELECT", "WITH"))]


@pytest.mark.parametrize(
    ("ref", "most"),
    [
        ("openai/gpt-4.1-mini", 1),
        ("openai:gpt-4.1-mini", 1),
        ("gpt-4.1-mini", 1),
        ("grok-4", 1),
        ("GPT 4.1 Mini", 1),
        ("xai/grok-4", 2),
        ("bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0", 2),
    ],
)
async def test_a_reference_takes_one_statement_or_two(full: Ask, statements: list[str], ref: str, most: int) -> None:
    assert (await full("query($ref: String!) { model(ref: $ref) { ref } }", {"ref": ref}))["model"]
    assert len(selects(statements)) <= most, statements


async def test_many_references_take_two_statements(full_engine: AsyncEngine, statements: list[str]) -> None:
    async with context(full_engine) as asked:
        await resolutions(asked, [entry["ref"] for _, entry in REFERENCES])
    assert len(selects(statements)) == 2


async def test_candidates_take_one_statement_more_and_near_misses_two(full: Ask, statements: list[str]) -> None:
    query = "query($ref: String!) { resolveModel(ref: $ref) { matched candidates { score model { ref } } } }"
    for ref, most in (("openai/gpt-4.1-mini", 2), ("gpt-4.1-mini", 2), ("GPT 4.1 Mini", 2), ("gtp-4.1-mini", 3)):
        statements.clear()
        await full(query, {"ref": ref})
        assert len(selects(statements)) <= most, (ref, statements)


async def test_candidates_of_many_references_take_five_statements(full: Ask, statements: list[str]) -> None:
    refs = [entry["ref"] for _, entry in REFERENCES[:40]]
    names = [f"r{number}" for number in range(len(refs))]
    document = "query({}) {{ {} }}".format(
        ", ".join(f"${name}: String!" for name in names),
        " ".join(f"{name}: resolveModel(ref: ${name}) {{ model {{ ref }} candidates {{ score }} }}" for name in names),
    )
    data = await full(document, dict(zip(names, refs, strict=True)))
    assert len(data) == 40
    assert len(selects(statements)) <= 5, statements


# ---- any input ----

PIECES = st.sampled_from(
    [
        *"/:@-_% ~+'\"\\\x00\u202e😀éß٣²", "openai", "bedrock", "gpt-4.1-mini", "claude", "sonnet", "4.5", "us.anthropic.",
        "2025-04-14", "20250929", "-v1:0", "%2F", "://", "https://openrouter.ai/", "arn:aws:bedrock:", "models/", "v3p1",
        "publishers/", ":free", "latest", "70b",
    ]
)  # fmt: skip
ANYTHING = st.one_of(st.text(max_size=500), st.lists(PIECES, max_size=40).map(lambda pieces: "".join(pieces)[:500]))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ref=ANYTHING)
async def test_any_reference_is_treated_as_data(full: Ask, statements: list[str], ref: str) -> None:
    statements.clear()
    model, matched, candidates = await read(full, ref)
    assert (model is None) == (matched == "NONE")
    assert len(candidates) <= 10
    if model:
        assert candidates[0] == (model, 1.0)
    # Two for `model`, two for `resolveModel` and three for the candidates.
    assert len(selects(statements)) <= 7


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_case_and_separators_do_not_change_the_meaning(full: Ask, data: st.DataObject) -> None:
    entry = data.draw(st.sampled_from([entry for _, entry in REFERENCES if "fails" not in entry and entry["model"]]))
    model = entry["model"]
    provider, _, slug = model.partition("/")
    written = data.draw(st.sampled_from([model.upper(), f"{provider.upper()}:{slug}", f" {model}\t", f"~{model}"]))
    # Z.ai lists some models twice, in upper and lower case.
    assert str((await read(full, written))[0]).lower() == model.lower()


async def test_a_reference_beyond_500_characters_is_refused(full: Ask) -> None:
    for field in ("model", "resolveModel"):
        selection = "ref" if field == "model" else "matched"
        answer = await full(
            f"query($ref: String!) {{ {field}(ref: $ref) {{ {selection} }} }}", {"ref": "x" * 501}, errors=True
        )
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
