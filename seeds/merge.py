"""Many catalogues into one registry, with every claim kept. Pure: no clock, no network, no database."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fnmatch import translate
from re import compile as pattern
from typing import Any, NamedTuple

from schema.columns import dump_json, plain
from schema.tables import AliasKind, TraitKind
from schema.vocabulary import AccessType, ModelStatus, ParameterKind
from seeds import identity, pricing
from seeds.catalogue import MAX_OUTPUT, Catalogue, ModelClaims, ModelKey, ParameterClaim
from seeds.feeds.models_dev import day as first_day
from seeds.policy import policies, policy

TRUST = ("overlay", "curated", "genai-prices", "models-dev", "openrouter")
"""Sources, the one believed first in front."""
LIMITS_TRUST = ("overlay", "curated", "models-dev", "genai-prices", "openrouter")
"""For limits in tokens: genai-prices rounds windows (1,000,000 for 1,047,576), models.dev does not."""
LIMITS = frozenset({"context_window", "max_input_tokens", "max_output_tokens"})
SETS = {
    "input_modalities": TraitKind.INPUT_MODALITY,
    "output_modalities": TraitKind.OUTPUT_MODALITY,
    "endpoints": TraitKind.ENDPOINT,
    "use_cases": TraitKind.USE_CASE,
}
PRICE_FIELDS = {
    "price_input": "price.input",
    "price_output": "price.output",
    "price_cache_read": "price.cacheRead",
    "price_cache_write": "price.cacheWrite",
}


WORDING = frozenset({"name", "tagline", "description", "bestFor"})
"""Sources that word these differently do not disagree on a fact."""


class MergedClaim(NamedTuple):
    """One source's word on one fact; rank 0 is believed."""

    field: str
    source: str
    rank: int
    value: Any
    disputed: bool
    reason: str | None


@dataclass(slots=True)
class MergedModel:
    """One model with everything below it, as rows to be stored."""

    columns: dict[str, Any]
    rates: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    parameters: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    traits: list[tuple[TraitKind, str]] = field(default_factory=list[tuple[TraitKind, str]])
    aliases: list[tuple[str, AliasKind]] = field(default_factory=list[tuple[str, AliasKind]])
    claims: list[MergedClaim] = field(default_factory=list[MergedClaim])

    def sign(self) -> None:
        """Writes the fingerprint: equal exactly when nothing about the model differs."""
        parts = [self.columns, self.rates, self.parameters, self.traits, self.aliases, self.claims]
        text = dump_json(comparable(parts))
        self.columns["fingerprint"] = hashlib.sha256(text.encode()).hexdigest()[:32]


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


def comparable(value: Any) -> Any:
    """A value in plain JSON terms: decimals as plain strings, words by name, sets in order."""
    match value:
        case None | bool() | int() | str():
            return value
        case Decimal():
            return plain(value)
        case dict():
            return {str(key): comparable(each) for key, each in value.items()}
        case set() | frozenset():
            return sorted(comparable(each) for each in value)
        case list() | tuple():
            return [comparable(each) for each in value]
    return getattr(value, "name", None) or str(value)


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


class Stated:
    """What every source says of one model, in order of trust."""

    def __init__(self) -> None:
        self.by_source: dict[str, ModelClaims] = {}

    def add(self, source: str, claims: ModelClaims) -> None:
        self.by_source[source] = claims

    def ordered(self, trust: Sequence[str] = TRUST) -> list[tuple[str, ModelClaims]]:
        return [(source, self.by_source[source]) for source in trust if source in self.by_source]


def merge(catalogues: Sequence[Catalogue], today: date) -> Merged:
    """The registry as the catalogues describe it on a day. The first stated value wins, in order of trust."""
    stated = gather(catalogues)
    rules, unmatched = apply_rules(catalogues, stated)
    for source, key, claims in rules:
        stated[key].add(source, claims)
    add_matches(catalogues, stated)
    declared = {
        name: {key: value for key, each in stated.items() if (value := first(each, name)) is not None}
        for name in ("version_of", "canonical")
    }
    versions = identity.versions(stated, declared["version_of"])
    canonicals = identity.canonicals(stated, declared["canonical"])
    shared = share(stated, canonicals)
    models = [
        build(key, stated[key], today, versions.get(key), canonicals[key], shared.get(canonicals[key], {}), stated)
        for key in sorted(stated)
    ]
    families = merge_families(catalogues, models)
    providers = merge_providers(catalogues, models)
    counts: dict[str, int] = defaultdict(int)
    for each in stated.values():
        for source in each.by_source:
            counts[source] += 1
    unknown = sorted(slug for slug in providers if slug not in policies())
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
            candidates = (*own, *(claims for other in fallback for claims in by_provider.get(other, ())))
            found = next((claims for claims in candidates if claims.match(slug.lower())), None)
            if found is None:
                continue
            here = each.by_source.get(catalogue.source)
            if here is None:
                # A group's own name and status say nothing of the members it covers; limits and rates do.
                facts = {name: value for name, value in found.facts.items() if name in LIMITS}
                each.add(catalogue.source, ModelClaims(provider, slug, facts=facts, rates=found.rates))
            else:
                here.rates = found.rates


def trust(name: str) -> Sequence[str]:
    """The sources in the order they are believed about one fact."""
    # genai-prices lower-cases many names; models.dev writes them as their makers do.
    return LIMITS_TRUST if name in LIMITS or name == "name" else TRUST


def first(stated: Stated, name: str) -> Any:
    return next((claims.facts[name] for _, claims in stated.ordered(trust(name)) if name in claims.facts), None)


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


def claim(name: str, said: Sequence[tuple[str, Any]], reasons: Mapping[str, str]) -> list[MergedClaim]:
    """The claims about one fact from (source, value), best first."""
    if not said:
        return []
    believed = comparable(said[0][1])
    return [
        MergedClaim(
            name,
            source,
            rank,
            value := comparable(raw),
            value != believed and name not in WORDING,
            reasons.get(name) if rank == 0 else None,
        )
        for rank, (source, raw) in enumerate(said)
    ]


def build(
    key: ModelKey,
    stated: Stated,
    today: date,
    version: tuple[str, bool] | None,
    canonical: str,
    shared: Mapping[str, tuple[str, Any]],
    known: Mapping[ModelKey, Stated],
) -> MergedModel:
    """One model's rows from what every source says of it."""
    provider, slug = key
    reasons = {camel(k): v for _, each in stated.ordered() for k, v in each.reasons.items()}
    claims: list[MergedClaim] = []
    facts: dict[str, Any] = {}
    names = dict.fromkeys(name for _, each in stated.ordered() for name in each.facts) | dict.fromkeys(shared)
    for name in names:
        said = [(source, each.facts[name]) for source, each in stated.ordered(trust(name)) if name in each.facts]
        if name in shared and not any(source in ("overlay", "curated") for source, _ in said):
            # The maker's own entry knows better than a reseller's listing.
            said = [shared[name], *(pair for pair in said if pair[0] != shared[name][0])]
        if not said:
            continue
        facts[name] = said[0][1]
        if name not in ("version_of", "canonical"):
            claims += claim(camel(name), said, reasons)
    if "status" not in facts:
        # A source that lists a model without a word on its status offers it.
        facts["status"] = ModelStatus.ACTIVE
        claims += claim("status", [(source, ModelStatus.ACTIVE) for source, _ in stated.ordered()][:1], reasons)
    model = MergedModel({}, claims=claims)
    merge_capabilities(model, stated, reasons)
    for name, kind in SETS.items():
        model.traits += [(kind, word) for word in sorted(facts.get(name, ()))]
    merge_rates(model, stated, today, reasons)
    merge_parameters(model, stated, facts, reasons)
    names_here = {slug.lower()}
    for _, each in stated.ordered():
        for alias in each.aliases:
            if alias.lower() in names_here or (provider, alias) in known:
                continue
            names_here.add(alias.lower())
            found = identity.dated(alias)
            snapshot = found is not None and found[0].lower() == slug.lower()
            model.aliases.append((alias, AliasKind.SNAPSHOT if snapshot else AliasKind.ALIAS))
    model.columns |= {
        "ref": f"{provider}/{slug}",
        "provider_slug": provider,
        "slug": slug,
        "name": facts.get("name", slug),
        "family_slug": facts.get("family"),
        "canonical": canonical,
        "version_of": version[0] if version else None,
        "is_latest_version": version[1] if version else True,
        "status": facts["status"],
        "access_type": facts.get("access_type", AccessType.CLOSED),
        "knowledge_cutoff": first_day(facts.get("knowledge_cutoff_text")),
        "is_flagship": facts.get("is_flagship", False),
        "is_recommended": facts.get("is_recommended", False),
    }
    for name in (
        *("license", "parameter_size", "tagline", "description", "best_for", "knowledge_cutoff_text"),
        *("context_window", "max_input_tokens", "max_output_tokens"),
        *("release_date", "deprecation_date", "retirement_date"),
    ):
        model.columns[name] = facts.get(name)
    model.sign()
    return model


def merge_capabilities(model: MergedModel, stated: Stated, reasons: Mapping[str, str]) -> None:
    names = sorted({name for _, each in stated.ordered() for name in each.capabilities})
    for name in names:
        said = [(source, each.capabilities[name]) for source, each in stated.ordered() if name in each.capabilities]
        model.claims += claim(f"capabilities.{name}", said, reasons)
        if said[0][1]:
            model.traits.append((TraitKind.CAPABILITY, name))


def merge_rates(model: MergedModel, stated: Stated, today: date, reasons: Mapping[str, str]) -> None:
    stated_rates = [(source, each.rates) for source, each in stated.ordered() if each.rates]
    chosen = pricing.choose(stated_rates, today)
    price = pricing.standard([each.rate for each in chosen], today)
    for name in pricing.STANDARD_METERS:
        model.columns[name] = price.amounts.get(name)
    model.columns["price_publication"] = price.publication
    model.rates = [
        {"position": position}
        | {name: getattr(rate, name) for name in rate.__slots__}
        | {"currency": "USD", "source_slug": source}
        for position, (rate, source) in enumerate(chosen)
    ]
    prices = [(source, pricing.standard(rates, today)) for source, rates in stated_rates]
    for name, field_name in PRICE_FIELDS.items():
        said = [(source, each.amounts[name]) for source, each in prices if name in each.amounts]
        model.claims += claim(field_name, said, reasons)
    model.claims += claim("price.publication", [(source, each.publication) for source, each in prices], reasons)


def merge_parameters(model: MergedModel, stated: Stated, facts: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    names = dict.fromkeys(name for _, each in stated.ordered() for name in each.parameters)
    for position, name in enumerate(names):
        said = [(source, each.parameters[name]) for source, each in stated.ordered() if name in each.parameters]
        source, best = said[0]
        model.parameters.append(
            {
                "position": position,
                "name": name,
                "label": best.label or name.replace("_", " ").capitalize(),
                "kind": best.kind or ParameterKind.STRING,
                "supported": best.supported,
                "default": best.default,
                "minimum": bound(best.minimum, facts),
                "maximum": bound(best.maximum, facts),
                "allowed_values": None if best.allowed_values is None else list(best.allowed_values),
                "note": best.note,
                "source_slug": source,
            }
        )
        model.claims += claim(f"parameters.{name}", [(source, spoken(each, facts)) for source, each in said], reasons)


def bound(value: Decimal | str | None, facts: Mapping[str, Any]) -> Decimal | None:
    if value == MAX_OUTPUT:
        largest = facts.get("max_output_tokens")
        return None if largest is None else Decimal(largest)
    return value if isinstance(value, Decimal) else None


def spoken(parameter: ParameterClaim, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a source says of a parameter, without what it leaves open."""
    said = {
        "supported": parameter.supported,
        "default": parameter.default,
        "minimum": bound(parameter.minimum, facts),
        "maximum": bound(parameter.maximum, facts),
        "allowedValues": parameter.allowed_values,
    }
    return {name: value for name, value in said.items() if value is not None}


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
                if name != "fallback" and columns.get(name) is None:
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
