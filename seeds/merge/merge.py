"""Many catalogues into one registry, with every claim kept. Pure: no clock, no network, no database."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import translate
from re import compile as pattern
from typing import Any

from schema.enums import ServiceTier
from seeds.catalogue import Catalogue, ModelClaims, ModelKey
from seeds.curated.providers import policies, policy
from seeds.merge import identity
from seeds.merge.claims import LIMITS, TRUST, MergedModel, Stated, first
from seeds.merge.model import build, spellings


@dataclass(slots=True)
class Merged:
    providers: dict[str, dict[str, Any]]
    families: dict[str, dict[str, Any]]
    models: list[MergedModel]
    model_counts: dict[str, int]
    """Source -> number of models it says something about."""
    unknown_providers: list[str]
    """Provider slugs the declared table does not list: their zeros are not believed until it does."""
    unmatched_rules: list[str]
    """Curated rules that no model fits."""


def merge(catalogues: Sequence[Catalogue], today: date) -> Merged:
    """The registry as the catalogues describe it on a day. The first stated value wins, in order of trust."""
    stated = gather(catalogues)
    rules, unmatched = apply_rules(catalogues, stated)
    for source, key, claims in rules:
        stated[key].add(source, claims)
    add_matches(catalogues, stated)
    counts = Counter(source for each in stated.values() for source in each.by_source)
    declared = {
        name: {key: value for key, each in stated.items() if (value := first(each, name)) is not None}
        for name in ("version_of", "canonical")
    }
    canonicals = identity.canonicals(stated, declared["canonical"])
    versions = identity.versions(stated, declared["version_of"], canonicals)
    shared = share(stated, canonicals)
    lend_access(stated, canonicals)
    called = spellings(canonicals)
    models = [
        build(
            *(key, stated[key], today, versions.get(key), canonicals[key], shared.get(canonicals[key], {})),
            known=stated,
            spellings=called,
        )
        for key in sorted(stated)
    ]
    families = merge_families(catalogues, models)
    providers = merge_providers(catalogues, models)
    introduced = {slug for each in catalogues if each.source == "overlay" for slug in each.providers}
    unknown = sorted(slug for slug in providers if slug not in policies() and slug not in introduced)
    return Merged(providers, families, models, dict(counts), unknown, unmatched)


def gather(catalogues: Iterable[Catalogue]) -> dict[ModelKey, Stated]:
    stated: dict[ModelKey, Stated] = defaultdict(Stated)
    for catalogue in catalogues:
        for claims in catalogue.models:
            stated[claims.key].add(catalogue.source, claims)
    return dict(stated)


def apply_rules(
    catalogues: Iterable[Catalogue], stated: Mapping[ModelKey, Stated]
) -> tuple[list[tuple[str, ModelKey, ModelClaims]], list[str]]:
    """What rules by pattern say of each model they fit, and the rules that fit none."""
    slugs: dict[str, list[str]] = defaultdict(list)
    for provider, slug in stated:
        slugs[provider].append(slug)
    answer: list[tuple[str, ModelKey, ModelClaims]] = []
    unmatched: list[str] = []
    for catalogue in catalogues:
        found: dict[ModelKey, ModelClaims] = {}
        # Entries for one model by name come last, so that they overwrite what patterns say.
        for rule in sorted(catalogue.rules, key=lambda rule: rule.own):
            fits = pattern("|".join(translate(each.lower()) for each in rule.match)).match
            excluded = pattern("|".join(translate(each.lower()) for each in rule.excluding) or r"(?!)").match
            hit = False
            for provider in rule.providers:
                for slug in slugs[provider]:
                    if fits(slug.lower()) and not excluded(slug.lower()):
                        hit = True
                        overlay(found.setdefault((provider, slug), ModelClaims(provider, slug)), rule.claims)
            if not hit:
                unmatched.append(rule.origin)
        answer += [(catalogue.source, key, claims) for key, claims in found.items()]
    return answer, unmatched


def overlay(onto: ModelClaims, claims: ModelClaims) -> None:
    """Adds a rule's claims: lists are united, everything else is overwritten."""
    for name, value in claims.facts.items():
        known = onto.facts.get(name)
        onto.facts[name] = known | value if name in ("endpoints", "use_cases") and known else value
    onto.capabilities.update(claims.capabilities)
    onto.parameters.update(claims.parameters)
    onto.aliases += claims.aliases
    onto.reasons = {**onto.reasons, **claims.reasons}


def add_matches(catalogues: Iterable[Catalogue], stated: Mapping[ModelKey, Stated]) -> None:
    """Lets a source that matches references by rules speak of the models of other sources, too."""
    for catalogue in catalogues:
        by_provider: dict[str, list[ModelClaims]] = defaultdict(list)
        for claims in catalogue.models:
            if claims.match is not None:
                by_provider[claims.provider].append(claims)
        for (provider, slug), each in stated.items():
            own = by_provider.get(provider, [])
            fallback = catalogue.providers.get(provider, {}).get("fallback", [])
            lent = (claims for other in fallback for claims in by_provider.get(other, ()))
            found = next((claims for claims in (*own, *lent) if claims.match(slug.lower())), None)
            if found is None:
                continue
            rates = found.rates
            if found.provider != provider:
                # Another provider's price list holds here at its standard tier; its other tiers are its own.
                rates = [rate for rate in rates if rate.service_tier is ServiceTier.STANDARD]
            here = each.by_source.get(catalogue.source)
            if here is None:
                # A group's own name and status say nothing of the members it covers; limits and rates do.
                facts = {name: value for name, value in found.facts.items() if name in LIMITS}
                each.add(catalogue.source, ModelClaims(provider, slug, facts=facts, rates=rates))
            else:
                here.rates = rates


def lend_access(stated: Mapping[ModelKey, Stated], canonicals: Mapping[ModelKey, str]) -> None:
    """Where nobody says whether a listing's weights are open, what is said of the same model elsewhere holds."""
    said: dict[str, tuple[str, Any]] = {}
    for key, each in stated.items():
        for source, claims in each.ordered():
            if "access_type" in claims.facts:
                said.setdefault(canonicals[key], (source, claims.facts["access_type"]))
    for key, each in stated.items():
        if first(each, "access_type") is None and canonicals[key] in said:
            source, value = said[canonicals[key]]
            each.by_source.setdefault(source, ModelClaims(*key)).facts["access_type"] = value


SHARED = ("family", "license", "parameter_size", "access_type")
"""Facts of the model itself, the same at whichever provider."""


def share(
    stated: Mapping[ModelKey, Stated], canonicals: Mapping[ModelKey, str]
) -> dict[str, dict[str, tuple[str, Any]]]:
    """Identity -> what the maker's own entry is said to be: fact -> (source, value)."""
    answer: dict[str, dict[str, tuple[str, Any]]] = {}
    for key, each in stated.items():
        if key[0] != canonicals[key].partition("/")[0]:
            continue
        facts: dict[str, tuple[str, Any]] = {}
        for source, claims in reversed(each.ordered()):
            facts.update({name: (source, claims.facts[name]) for name in SHARED if name in claims.facts})
        answer.setdefault(canonicals[key], {}).update(facts)
    return answer


def merge_families(catalogues: Iterable[Catalogue], models: Sequence[MergedModel]) -> dict[str, dict[str, Any]]:
    known = {model.columns["ref"] for model in models}
    named: dict[str, dict[str, Any]] = {}
    for catalogue in catalogues:
        for slug, columns in catalogue.families.items():
            named.setdefault(slug, columns)
    counts: dict[str, int] = defaultdict(int)
    for model in models:
        if model.columns["family_slug"]:
            counts[model.columns["family_slug"]] += 1
    families: dict[str, dict[str, Any]] = {}
    for slug in sorted(counts):
        columns = named.get(slug, {})
        default = columns.get("default_model_ref")
        families[slug] = {
            "slug": slug,
            "name": columns.get("name") or slug.replace("-", " ").title(),
            "default_model_ref": default if default in known else None,
            "model_count": counts[slug],
        }
    return families


def merge_providers(catalogues: Iterable[Catalogue], models: Sequence[MergedModel]) -> dict[str, dict[str, Any]]:
    counts: dict[str, int] = defaultdict(int)
    for model in models:
        counts[model.columns["provider_slug"]] += 1
    by_source = {catalogue.source: catalogue.providers for catalogue in catalogues}
    providers: dict[str, dict[str, Any]] = {}
    for slug in sorted({slug for each in by_source.values() for slug in each if slug in counts or slug in policies()}):
        declared = policy(slug)
        columns: dict[str, Any] = {"name": declared.name, "kind": declared.kind, "website_url": declared.website_url}
        for source in TRUST:
            for name, value in by_source.get(source, {}).get(slug, {}).items():
                # The operator's word stands over the declared table's, which stands over a feed's.
                if name != "fallback" and (source == "overlay" or columns.get(name) is None):
                    columns[name] = value
        providers[slug] = {
            "slug": slug,
            "name": columns.get("name") or slug,
            "kind": columns["kind"],
            "website_url": columns.get("website_url"),
            "docs_url": columns.get("docs_url"),
            "api_base_url": columns.get("api_base_url"),
            "credential_variables": columns.get("credential_variables") or [],
            "model_count": counts[slug],
        }
    return providers
