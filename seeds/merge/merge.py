"""Merges many catalogues into one registry, and keeps every claim. Pure: no clock, no network, no database."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import translate
from re import compile as pattern
from typing import TypeVar

from schema.enums import AccessType, ProviderKind, ServiceTier
from seeds.catalogue import Catalogue, Facts, FamilyClaims, ModelClaims, ModelKey, ProviderClaims, known_facts
from seeds.curated.providers import policies, policy
from seeds.merge import identity
from seeds.merge.claims import LIMITS, TRUST, ClaimsBySource, MergedModel
from seeds.merge.model import merge_model, spellings

SHARED = ("family", "license", "parameter_size", "access_type")
"""Facts about the model itself, the same at every provider."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedProvider:
    """A provider's columns in the database."""

    slug: str
    name: str
    kind: ProviderKind
    website_url: str | None
    docs_url: str | None
    api_base_url: str | None
    credential_variables: list[str]
    model_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedFamily:
    """A family's columns in the database."""

    slug: str
    name: str
    default_model_ref: str | None
    model_count: int


@dataclass(frozen=True, slots=True)
class Merged:
    """The registry that all sources describe together."""

    providers: Mapping[str, MergedProvider]
    families: Mapping[str, MergedFamily]
    models: Sequence[MergedModel]
    model_counts: Mapping[str, int]
    """Source -> number of models it says something about."""
    unknown_providers: Sequence[str]
    """Providers that `_providers.toml` does not list. Their prices of zero are ignored until it does."""
    unmatched_rules: Sequence[str]
    """Curated rules that match no model."""


def merge(catalogues: Sequence[Catalogue], today: date) -> Merged:
    """The registry that the catalogues describe on a day. For each fact the most trusted source wins."""
    stated = gather(catalogues)
    rules, unmatched = apply_rules(catalogues, stated)
    for source, key, claims in rules:
        stated[key].add(source, claims)
    add_matches(catalogues, stated)
    counts = Counter(source for claims in stated.values() for source in claims.by_source)
    canonicals = identity.canonicals(stated, _stated_texts(stated, "canonical"))
    versions = identity.versions(stated, _stated_texts(stated, "version_of"), canonicals)
    shared = share(stated, canonicals)
    share_access_types(stated, canonicals)
    known_spellings = spellings(canonicals)
    models = [
        merge_model(
            key,
            stated[key],
            today,
            versions.get(key),
            canonicals[key],
            shared.get(canonicals[key], {}),
            known=stated,
            spellings=known_spellings,
        )
        for key in sorted(stated)
    ]
    families = merge_families(catalogues, models)
    providers = merge_providers(catalogues, models)
    defined = {slug for catalogue in catalogues if catalogue.source == "overlay" for slug in catalogue.providers}
    unknown = sorted(slug for slug in providers if slug not in policies() and slug not in defined)
    return Merged(providers, families, models, dict(counts), unknown, unmatched)


def gather(catalogues: Iterable[Catalogue]) -> dict[ModelKey, ClaimsBySource]:
    stated: dict[ModelKey, ClaimsBySource] = defaultdict(ClaimsBySource)
    for catalogue in catalogues:
        for claims in catalogue.models:
            stated[claims.key].add(catalogue.source, claims)
    return dict(stated)


def _stated_texts(stated: Mapping[ModelKey, ClaimsBySource], name: str) -> dict[ModelKey, str]:
    """Model -> the trusted value of a fact, for the models that have one."""
    return {key: str(values[0][1]) for key, claims in stated.items() if (values := claims.values(name))}


def apply_rules(
    catalogues: Iterable[Catalogue], stated: Mapping[ModelKey, ClaimsBySource]
) -> tuple[list[tuple[str, ModelKey, ModelClaims]], list[str]]:
    """What rules say about each model they match, and the rules that match no model."""
    slugs: dict[str, list[str]] = defaultdict(list)
    for provider, slug in stated:
        slugs[provider].append(slug)
    answer: list[tuple[str, ModelKey, ModelClaims]] = []
    unmatched: list[str] = []
    for catalogue in catalogues:
        found: dict[ModelKey, ModelClaims] = {}
        # Entries about one model by name come last, so that they overwrite what patterns say.
        for rule in sorted(catalogue.rules, key=lambda rule: rule.own):
            matches = pattern("|".join(translate(text.lower()) for text in rule.match)).match
            excluded = pattern("|".join(translate(text.lower()) for text in rule.excluding) or r"(?!)").match
            keys = [
                (provider, slug)
                for provider in rule.providers
                for slug in slugs[provider]
                if matches(slug.lower()) and not excluded(slug.lower())
            ]
            for key in keys:
                add_claims(found.setdefault(key, ModelClaims(*key)), rule.claims)
            if not keys:
                unmatched.append(rule.origin)
        answer += [(catalogue.source, key, claims) for key, claims in found.items()]
    return answer, unmatched


def add_claims(onto: ModelClaims, claims: ModelClaims) -> None:
    """Adds a rule's claims: endpoints and use cases are united, everything else is overwritten."""
    facts: Facts = onto.facts | claims.facts
    if "endpoints" in onto.facts and "endpoints" in claims.facts:
        facts["endpoints"] = onto.facts["endpoints"] | claims.facts["endpoints"]
    if "use_cases" in onto.facts and "use_cases" in claims.facts:
        facts["use_cases"] = onto.facts["use_cases"] | claims.facts["use_cases"]
    onto.facts = facts
    onto.capabilities.update(claims.capabilities)
    onto.parameters.update(claims.parameters)
    onto.aliases += claims.aliases
    onto.reasons = {**onto.reasons, **claims.reasons}


def add_matches(catalogues: Iterable[Catalogue], stated: Mapping[ModelKey, ClaimsBySource]) -> None:
    """Lets a source with rules for references make claims about the models of other sources, too."""
    for catalogue in catalogues:
        by_provider: dict[str, list[ModelClaims]] = defaultdict(list)
        for claims in catalogue.models:
            if claims.match is not None:
                by_provider[claims.provider].append(claims)
        for (provider, slug), known in stated.items():
            own = by_provider.get(provider, [])
            fallback = catalogue.providers.get(provider, ProviderClaims()).fallback
            others = (claims for other in fallback for claims in by_provider.get(other, ()))
            found = next((claims for claims in (*own, *others) if claims.match and claims.match(slug.lower())), None)
            if found is None:
                continue
            rates = found.rates
            if found.provider != provider:
                # Another provider's prices apply here only at the standard tier.
                rates = [rate for rate in rates if rate.service_tier is ServiceTier.STANDARD]
            here = known.by_source.get(catalogue.source)
            if here is None:
                # The name and status of a group say nothing about its members; its limits and rates do.
                limits = known_facts({name: value for name, value in found.facts.items() if name in LIMITS})
                known.add(catalogue.source, ModelClaims(provider, slug, facts=limits, rates=rates))
            else:
                known.add(catalogue.source, replace(here, rates=rates))


def share_access_types(stated: Mapping[ModelKey, ClaimsBySource], canonicals: Mapping[ModelKey, str]) -> None:
    """If no source says whether a listing's weights are open, what is said about the same model elsewhere applies."""
    known: dict[str, tuple[str, AccessType]] = {}
    for key, claims_here in stated.items():
        for source, claims in claims_here.ordered():
            if "access_type" in claims.facts:
                known.setdefault(canonicals[key], (source, claims.facts["access_type"]))
    for key, claims_here in stated.items():
        if not claims_here.values("access_type") and canonicals[key] in known:
            source, access_type = known[canonicals[key]]
            claims = claims_here.by_source.get(source) or ModelClaims(*key)
            facts: Facts = {**claims.facts, "access_type": access_type}
            claims_here.add(source, replace(claims, facts=facts))


def share(
    stated: Mapping[ModelKey, ClaimsBySource], canonicals: Mapping[ModelKey, str]
) -> dict[str, dict[str, tuple[str, object]]]:
    """Canonical model -> what its maker's own listing says: fact -> (source, value)."""
    answer: dict[str, dict[str, tuple[str, object]]] = {}
    for key, claims in stated.items():
        if key[0] == canonicals[key].partition("/")[0]:
            values = {name: claims.values(name) for name in SHARED}
            facts = {name: stated_values[0] for name, stated_values in values.items() if stated_values}
            answer.setdefault(canonicals[key], {}).update(facts)
    return answer


def merge_families(catalogues: Iterable[Catalogue], models: Sequence[MergedModel]) -> dict[str, MergedFamily]:
    refs = {model.ref for model in models}
    claims: dict[str, FamilyClaims] = {}
    for catalogue in catalogues:
        claims = catalogue.families | claims
    counts = Counter(model.family_slug for model in models if model.family_slug)
    families: dict[str, MergedFamily] = {}
    for slug in sorted(counts):
        family = claims.get(slug) or FamilyClaims(slug.replace("-", " ").title())
        default = family.default_model_ref if family.default_model_ref in refs else None
        families[slug] = MergedFamily(slug=slug, name=family.name, default_model_ref=default, model_count=counts[slug])
    return families


def merge_providers(catalogues: Iterable[Catalogue], models: Sequence[MergedModel]) -> dict[str, MergedProvider]:
    counts = Counter(model.provider_slug for model in models)
    by_source = {catalogue.source: catalogue.providers for catalogue in catalogues}
    slugs = {slug for providers in by_source.values() for slug in providers}
    return {
        slug: _merge_provider(slug, by_source, counts[slug])
        for slug in sorted(slugs)
        if slug in counts or slug in policies()
    }


def _merge_provider(slug: str, by_source: Mapping[str, Mapping[str, ProviderClaims]], count: int) -> MergedProvider:
    declared = policy(slug)
    ours = ProviderClaims(declared.name, declared.kind, declared.website_url)
    stated = [by_source[source][slug] for source in TRUST if slug in by_source.get(source, {})]
    # The overlay overrides `_providers.toml`, which overrides the feeds.
    stated.insert(1 if slug in by_source.get("overlay", {}) else 0, ours)
    return MergedProvider(
        slug=slug,
        name=_first(claims.name for claims in stated) or slug,
        kind=_first(claims.kind for claims in stated) or declared.kind,
        website_url=_first(claims.website_url for claims in stated),
        docs_url=_first(claims.docs_url for claims in stated),
        api_base_url=_first(claims.api_base_url for claims in stated),
        credential_variables=list(_first(claims.credential_variables for claims in stated) or ()),
        model_count=count,
    )


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)
