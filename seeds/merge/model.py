"""Merges everything the sources say about one model. Pure."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import cast

from schema.column_types import dump_json
from schema.enums import AccessType, Meter, ModelStatus, ProviderKind
from schema.lists.tokenize import terms, weighted
from schema.pricing.rates import rate_values
from schema.references.ids import form_and_text
from schema.tables import AliasKind, TraitKind
from seeds.catalogue import Facts, ModelKey, first_day
from seeds.curated.providers import policy
from seeds.merge import identity
from seeds.merge.claims import ClaimsBySource, MergedClaim, MergedModel, Reasons, camel_case, merge_claims
from seeds.merge.overrides import decide
from seeds.merge.parameters import merge_parameters
from seeds.merge.prices import merge_rates

UNKNOWN_ACCESS = "No source says that its weights can be downloaded."
KIND_PRIOR = {ProviderKind.LAB: 10, ProviderKind.CLOUD: 6, ProviderKind.GATEWAY: 2, ProviderKind.LOCAL: 0}
STATUS_PRIOR = {
    ModelStatus.ACTIVE: 6,
    ModelStatus.PREVIEW: 4,
    ModelStatus.LEGACY: 3,
    ModelStatus.DEPRECATED: 2,
    ModelStatus.RETIRED: -6,
}
FACT_NAMES = {"knowledge_cutoff": "knowledgeCutoffText"}
"""Facts whose name in curated files is not their name in the graph."""
Spelling = tuple[str, str, str]
"""(provider, id with normalized case and separators, day)."""


def spelling(key: ModelKey) -> Spelling:
    form, text = form_and_text(key[1])
    return key[0], text, form.day


def spellings(canonicals: Mapping[ModelKey, str]) -> dict[Spelling, set[str]]:
    """Each spelling -> the canonical models that a provider, or a reseller of its models, means by it."""
    found: dict[Spelling, set[str]] = defaultdict(set)
    served = {(provider, canonical) for (provider, _), canonical in canonicals.items()}
    for (provider, slug), canonical in canonicals.items():
        maker = canonical.partition("/")[0]
        found[spelling((provider, slug))].add(canonical)
        if maker != provider and (maker, canonical) in served:
            found[spelling((maker, slug.rpartition("/")[2]))].add(canonical)
    return found


def merge_model(
    key: ModelKey,
    stated: ClaimsBySource,
    today: date,
    version: tuple[str, bool] | None,
    canonical: str,
    shared: Mapping[str, tuple[str, object]],
    known: Mapping[ModelKey, ClaimsBySource],
    spellings: Mapping[Spelling, Collection[str]],
) -> MergedModel:
    """One model from what every source says about it.

    `shared` is what the maker's own listing says: fact -> (source, value). `known` are all models.
    """
    provider, slug = key
    ref = f"{provider}/{slug}"
    reasons = {
        (source, FACT_NAMES.get(name, camel_case(name))): text
        for source, claims in stated.ordered()
        for name, text in claims.reasons.items()
    }
    facts, fact_claims = merge_facts(ref, stated, shared, reasons)
    capabilities, capability_claims = merge_capabilities(stated, reasons)
    rates, price, price_claims = merge_rates(ref, stated, today, reasons)
    parameters, parameter_claims = merge_parameters(stated, facts, reasons)
    aliases = list(merge_aliases(key, stated, canonical, known, spellings))
    sets = (
        (TraitKind.INPUT_MODALITY, facts.get("input_modalities")),
        (TraitKind.OUTPUT_MODALITY, facts.get("output_modalities")),
        (TraitKind.ENDPOINT, facts.get("endpoints")),
        (TraitKind.USE_CASE, facts.get("use_cases")),
    )
    traits = [
        (kind, word) for kind, words in ((TraitKind.CAPABILITY, capabilities), *sets) for word in sorted(words or ())
    ]
    version_of, is_latest = version or (None, True)
    model = MergedModel(
        ref=ref,
        provider_slug=provider,
        slug=slug,
        name=facts.get("name", slug),
        family_slug=facts.get("family"),
        canonical=canonical,
        version_of=version_of,
        is_latest_version=is_latest,
        status=facts.get("status", ModelStatus.ACTIVE),
        access_type=facts.get("access_type", AccessType.CLOSED),
        license=facts.get("license"),
        parameter_size=facts.get("parameter_size"),
        tagline=facts.get("tagline"),
        description=facts.get("description"),
        best_for=facts.get("best_for"),
        is_flagship=facts.get("is_flagship", False),
        is_recommended=facts.get("is_recommended", False),
        context_window=facts.get("context_window"),
        max_input_tokens=facts.get("max_input_tokens"),
        max_output_tokens=facts.get("max_output_tokens"),
        price_input=price.amounts.get(Meter.INPUT),
        price_output=price.amounts.get(Meter.OUTPUT),
        price_cache_read=price.amounts.get(Meter.CACHE_READ),
        price_cache_write=price.amounts.get(Meter.CACHE_WRITE),
        price_publication=price.publication,
        knowledge_cutoff=first_day(facts.get("knowledge_cutoff_text")),
        knowledge_cutoff_text=facts.get("knowledge_cutoff_text"),
        release_date=facts.get("release_date"),
        deprecation_date=facts.get("deprecation_date"),
        retirement_date=facts.get("retirement_date"),
        search_prior=0,
        search_length=0,
        fingerprint="",
        rates=rates,
        parameters=parameters,
        traits=traits,
        aliases=aliases,
        claims=[*fact_claims, *capability_claims, *price_claims, *parameter_claims],
        terms={},
    )
    return sign(index(model), today)


def merge_facts(
    ref: str, stated: ClaimsBySource, shared: Mapping[str, tuple[str, object]], reasons: Reasons
) -> tuple[Facts, list[MergedClaim]]:
    """The facts to use, and the claims about them."""
    claims: list[MergedClaim] = []
    facts: dict[str, object] = {}
    for name in dict.fromkeys(name for _, model in stated.ordered() for name in model.facts) | dict.fromkeys(shared):
        values: Sequence[tuple[str, object]] = stated.values(name)
        if name in shared and not any(source in ("overlay", "curated") for source, _ in values):
            # The maker's own listing is more reliable than a reseller's.
            values = [shared[name], *(pair for pair in values if pair[0] != shared[name][0])]
        values, reason = decide(ref, camel_case(name), values)
        facts[name] = values[0][1]
        if name not in ("version_of", "canonical"):
            claims += merge_claims(camel_case(name), values, reasons, reason)
    most_trusted, _ = stated.ordered()[0]
    if "status" not in facts:
        # A source that lists a model without a status offers it.
        claims += merge_claims("status", [(most_trusted, ModelStatus.ACTIVE)], reasons)
    if "access_type" not in facts:
        # No source says that the weights can be downloaded, of this listing or of the same model elsewhere.
        why = {(most_trusted, "accessType"): UNKNOWN_ACCESS}
        claims += merge_claims("accessType", [(most_trusted, AccessType.CLOSED)], why)
    # Each value was stated in a Facts under the same name.
    return cast("Facts", facts), claims


def merge_aliases(
    key: ModelKey,
    stated: ClaimsBySource,
    canonical: str,
    known: Mapping[ModelKey, ClaimsBySource],
    spellings: Mapping[Spelling, Collection[str]],
) -> Iterator[tuple[str, AliasKind]]:
    provider, slug = key
    names = {slug.lower()}
    for source, model in stated.ordered():
        for alias in model.aliases:
            if alias.lower() in names or (provider, alias) in known:
                continue
            meant = spellings.get(spelling((provider, alias)), {canonical})
            # A feed's patterns also match other models: gpt-5-1-codex, and what resellers call gpt-5-chat.
            if source not in ("overlay", "curated") and canonical not in meant:
                continue
            names.add(alias.lower())
            found = identity.dated(alias)
            snapshot = found is not None and found[0].lower() == slug.lower()
            yield alias, AliasKind.SNAPSHOT if snapshot else AliasKind.ALIAS


def merge_capabilities(stated: ClaimsBySource, reasons: Reasons) -> tuple[list[str], list[MergedClaim]]:
    """The capabilities the model has, and the claims about them and about those it does not have."""
    capabilities: list[str] = []
    claims: list[MergedClaim] = []
    for name, values in sorted(stated.by_name(lambda model: model.capabilities).items()):
        claims += merge_claims(f"capabilities.{name}", values, reasons)
        if values[0][1]:
            capabilities.append(name)
    return capabilities, claims


def index(model: MergedModel) -> MergedModel:
    """Adds the terms by which search finds the model, and how likely it is the one that is meant."""
    maker, _, canonical_slug = model.canonical.partition("/")
    provider = policy(model.provider_slug)
    # An unidentified model has its provider as its maker; only a lab's claim to be the maker counts.
    own = maker == model.provider_slug and policy(maker).kind is ProviderKind.LAB
    found = weighted(
        [
            (model.name, 10),
            (model.slug, 10),
            *((alias, 8) for alias, _ in model.aliases),
            (canonical_slug, 8),
            (model.family_slug, 6),
            (maker, 5),
            (model.provider_slug, 10 if own else 5),
            (provider.name, 10 if own else 5),
            (model.tagline, 2),
            (model.best_for, 2),
            (model.description, 1),
        ]
    )
    prior = (
        # For a model of another maker, a lab counts as a cloud.
        KIND_PRIOR[ProviderKind.CLOUD if provider.kind is ProviderKind.LAB and not own else provider.kind]
        + STATUS_PRIOR[model.status]
        + 40 * own
        + 4 * (model.is_flagship + model.is_recommended)
        + 3 * model.is_latest_version
        + 2 * (identity.dated(model.slug) is None)
    )
    return replace(model, terms=found, search_prior=prior, search_length=len(set(terms(model.name))))


def sign(model: MergedModel, today: date) -> MergedModel:
    """Adds the fingerprint. It includes the prices in force, since rates of any tier start and end by date."""
    text = dump_json([model, rate_values(model.rates, today)])
    return replace(model, fingerprint=hashlib.sha256(text.encode()).hexdigest()[:32])
