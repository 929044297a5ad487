"""One model's rows from everything the sources say of it. Pure."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from schema.enums import AccessType, ModelStatus, ParameterKind, ProviderKind
from schema.lists.tokenize import terms, weighted
from schema.pricing.rates import in_force
from schema.references.ids import form_and_text
from schema.tables import AliasKind, TraitKind
from seeds.catalogue import MAX_OUTPUT, ModelKey, ParameterClaim
from seeds.curated.providers import policy
from seeds.feeds.models_dev import day as first_day
from seeds.merge import identity, prices
from seeds.merge.claims import MergedClaim, MergedModel, Stated, camel, claim, trust
from seeds.merge.overrides import Said, decide

SETS = {
    "input_modalities": TraitKind.INPUT_MODALITY,
    "output_modalities": TraitKind.OUTPUT_MODALITY,
    "endpoints": TraitKind.ENDPOINT,
    "use_cases": TraitKind.USE_CASE,
}
UNSAID_ACCESS = "No source says that its weights can be had."
Reasons = Mapping[tuple[str, str], str]
"""(source, fact) -> why that source's value is right."""
KIND_PRIOR = {ProviderKind.LAB: 10, ProviderKind.CLOUD: 6, ProviderKind.GATEWAY: 2, ProviderKind.LOCAL: 0}
STATUS_PRIOR = {
    ModelStatus.ACTIVE: 6,
    ModelStatus.PREVIEW: 4,
    ModelStatus.LEGACY: 3,
    ModelStatus.DEPRECATED: 2,
    ModelStatus.RETIRED: -6,
}
FACT_NAMES = {"knowledge_cutoff": "knowledgeCutoffText"}
"""Facts whose name in the curated files is not their name in the graph."""
PRICE_FIELDS = {
    "price_input": "price.input",
    "price_output": "price.output",
    "price_cache_read": "price.cacheRead",
    "price_cache_write": "price.cacheWrite",
}


Spelling = tuple[str, str, str]
"""(provider, id with case and separators evened out, day)."""


def spelling(key: ModelKey) -> Spelling:
    form, text = form_and_text(key[1])
    return key[0], text, form.day


def spellings(canonicals: Mapping[ModelKey, str]) -> dict[Spelling, set[str]]:
    """What a model is called at a provider: by itself, or by others who sell that provider's model -> identities."""
    found: dict[Spelling, set[str]] = defaultdict(set)
    sold = {(provider, canonical) for (provider, _), canonical in canonicals.items()}
    for (provider, slug), canonical in canonicals.items():
        maker = canonical.partition("/")[0]
        found[spelling((provider, slug))].add(canonical)
        if maker != provider and (maker, canonical) in sold:
            found[spelling((maker, slug.rpartition("/")[2]))].add(canonical)
    return found


def build(
    key: ModelKey,
    stated: Stated,
    today: date,
    version: tuple[str, bool] | None,
    canonical: str,
    shared: Mapping[str, tuple[str, Any]],
    known: Mapping[ModelKey, Stated],
    spellings: Mapping[Spelling, Collection[str]],
) -> MergedModel:
    """One model's rows from what every source says of it."""
    provider, slug = key
    reasons = {
        (source, FACT_NAMES.get(name, camel(name))): text
        for source, each in stated.ordered()
        for name, text in each.reasons.items()
    }
    claims: list[MergedClaim] = []
    facts: dict[str, Any] = {}
    names = dict.fromkeys(name for _, each in stated.ordered() for name in each.facts) | dict.fromkeys(shared)
    for name in names:
        said: Said = [(source, each.facts[name]) for source, each in stated.ordered(trust(name)) if name in each.facts]
        if name in shared and not any(source in ("overlay", "curated") for source, _ in said):
            # The maker's own entry knows better than a reseller's listing.
            said = [shared[name], *(pair for pair in said if pair[0] != shared[name][0])]
        if not said:
            continue
        said, decided = decide(f"{provider}/{slug}", camel(name), said)
        facts[name] = said[0][1]
        if name not in ("version_of", "canonical"):
            claims += claim(camel(name), said, reasons, decided)
    if "status" not in facts:
        # A source that lists a model without a word on its status offers it.
        facts["status"] = ModelStatus.ACTIVE
        claims += claim("status", [(source, ModelStatus.ACTIVE) for source, _ in stated.ordered()][:1], reasons)
    if "access_type" not in facts:
        # Neither this listing nor one of the same model elsewhere says that its weights can be had.
        listing = stated.ordered()[0][0]
        claims += claim("accessType", [(listing, AccessType.CLOSED)], {(listing, "accessType"): UNSAID_ACCESS})
    model = MergedModel({}, claims=claims)
    merge_capabilities(model, stated, reasons)
    for name, kind in SETS.items():
        model.traits += [(kind, word) for word in sorted(facts.get(name, ()))]
    merge_rates(model, f"{provider}/{slug}", stated, today, reasons)
    merge_parameters(model, stated, facts, reasons)
    names_here = {slug.lower()}
    for source, each in stated.ordered():
        for alias in each.aliases:
            if alias.lower() in names_here or (provider, alias) in known:
                continue
            meant = spellings.get(spelling((provider, alias)), {canonical})
            # A feed's patterns also cover what is another model here: gpt-5-1-codex, and what others call gpt-5-chat.
            if source not in ("overlay", "curated") and canonical not in meant:
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
    index(model)
    model.sign()
    return model


def index(model: MergedModel) -> None:
    """Writes the terms search finds the model under, and how likely it is the one meant."""
    columns = model.columns
    maker, _, identity_ = (columns["canonical"] or "").partition("/")
    # A row that nobody can place has its seller for a maker; only a lab's word counts.
    own = maker == columns["provider_slug"] and policy(maker).kind is ProviderKind.LAB
    model.terms = weighted(
        [
            (columns["name"], 10),
            (columns["slug"], 10),
            *((alias, 8) for alias, _ in model.aliases),
            (identity_, 8),
            (columns["family_slug"], 6),
            (maker, 5),
            (columns["provider_slug"], 10 if own else 5),
            (policy(columns["provider_slug"]).name, 10 if own else 5),
            (columns["tagline"], 2),
            (columns["best_for"], 2),
            (columns["description"], 1),
        ]
    )
    columns["search_length"] = len(set(terms(columns["name"])))
    kind = policy(columns["provider_slug"]).kind
    columns["search_prior"] = (
        # A lab that sells what another made is to that model what a cloud is.
        KIND_PRIOR[ProviderKind.CLOUD if kind is ProviderKind.LAB and not own else kind]
        + STATUS_PRIOR[columns["status"]]
        + 40 * own
        + 4 * (columns["is_flagship"] + columns["is_recommended"])
        + 3 * columns["is_latest_version"]
        + 2 * (identity.dated(columns["slug"]) is None)
    )


def merge_capabilities(model: MergedModel, stated: Stated, reasons: Reasons) -> None:
    names = sorted({name for _, each in stated.ordered() for name in each.capabilities})
    for name in names:
        said = [(source, each.capabilities[name]) for source, each in stated.ordered() if name in each.capabilities]
        model.claims += claim(f"capabilities.{name}", said, reasons)
        if said[0][1]:
            model.traits.append((TraitKind.CAPABILITY, name))


def merge_rates(model: MergedModel, ref: str, stated: Stated, today: date, reasons: Reasons) -> None:
    stated_rates, decided = decide(
        ref, "price", [(source, each.rates) for source, each in stated.ordered() if each.rates]
    )
    chosen = prices.choose(stated_rates, today)
    price = prices.standard([each.rate for each in chosen], today)
    for name in prices.STANDARD_METERS:
        model.columns[name] = price.amounts.get(name)
    model.columns["price_publication"] = price.publication
    model.rates = [
        {"position": position}
        | {name: getattr(rate, name) for name in rate.__slots__}
        | {"currency": "USD", "source_slug": source}
        for position, (rate, source) in enumerate(chosen)
    ]
    model.in_force = [position for position, (rate, _) in enumerate(chosen) if in_force(rate, today)]
    by_source = [(source, prices.standard(rates, today)) for source, rates in stated_rates]
    for name, field_name in PRICE_FIELDS.items():
        said = [(source, each.amounts[name]) for source, each in by_source if name in each.amounts]
        if said and name not in price.amounts:
            # The list that is believed is believed whole: also in what it leaves out.
            left_out = MergedClaim(field_name, by_source[0][0], 0, None, False, "Its price list has no such rate.")
            others = (pair for pair in said if pair[0] != by_source[0][0])
            model.claims += [
                left_out,
                *(each._replace(rank=each.rank + 1) for each in claim(field_name, [*others], {})),
            ]
            continue
        model.claims += claim(field_name, said, reasons, decided)
    states = [(source, each.publication) for source, each in by_source]
    model.claims += claim("price.publication", states, reasons, decided)


def merge_parameters(model: MergedModel, stated: Stated, facts: Mapping[str, Any], reasons: Reasons) -> None:
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
