"""What one source says: a Catalogue of providers, families and models, each fact a claim."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from typing import TypeAlias, TypedDict, cast

from schema.enums import (
    AccessType,
    Meter,
    ModelStatus,
    ParameterKind,
    PricePublication,
    PriceUnit,
    ProviderKind,
    ServiceTier,
)

ModelKey = tuple[str, str]
"""(provider slug, model slug): one model as one provider serves it."""
Matcher = Callable[[str], bool]
"""True for the references, in lower case, that mean a model."""
JsonValue: TypeAlias = "bool | int | Decimal | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"

MAX_QUARANTINE_LINES = 1_000
MAX_OUTPUT = "max_output_tokens"
"""Stands for a bound that is the model's own largest output."""


@dataclass(frozen=True, slots=True)
class RateClaim:
    """One meter's rate, as a source states it. `amount` is None if it is included in a subscription."""

    meter: Meter
    amount: Decimal | None
    unit: PriceUnit = PriceUnit.PER_MILLION_TOKENS
    service_tier: ServiceTier = ServiceTier.STANDARD
    publication: PricePublication = PricePublication.PUBLISHED
    min_context_tokens: int = 0
    daily_from: time | None = None
    daily_to: time | None = None
    effective_from: date | None = None
    effective_to: date | None = None


@dataclass(frozen=True, slots=True)
class ParameterClaim:
    """One request parameter, as a source states it. None means that the source does not say."""

    name: str
    supported: bool = True
    label: str | None = None
    kind: ParameterKind | None = None
    default: JsonValue = None
    minimum: Decimal | str | None = None
    maximum: Decimal | str | None = None
    allowed_values: tuple[str, ...] | None = None
    note: str | None = None


class Facts(TypedDict, total=False):
    """Facts about a model. A name that is absent is not a claim."""

    name: str
    family: str
    status: ModelStatus
    access_type: AccessType
    license: str
    parameter_size: str
    tagline: str
    description: str
    best_for: str
    is_flagship: bool
    is_recommended: bool
    context_window: int
    max_input_tokens: int
    max_output_tokens: int
    release_date: date
    deprecation_date: date
    retirement_date: date
    version_of: str
    """Slug of the undated model that this is a snapshot of."""
    canonical: str
    """maker/model: the identity shared with the same model at other providers."""
    knowledge_cutoff_text: str
    input_modalities: frozenset[str]
    output_modalities: frozenset[str]
    endpoints: frozenset[str]
    use_cases: frozenset[str]


DIGITS = 40
"""Most digits of a number from outside, and the largest exponent."""
UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
"""Control characters, those that reverse the direction of text, and lone surrogates."""
PROVIDER_SLUG = r"[a-z0-9][a-z0-9._-]*"


def bounded(value: Decimal) -> Decimal:
    """The value itself. Raises ValueError if it has too many digits."""
    _, digits, exponent = value.as_tuple()
    # Written out, even a zero with an exponent of 999999999 would fill the memory.
    if not isinstance(exponent, int) or len(digits) > DIGITS or abs(exponent) > DIGITS:
        raise ValueError("the number has too many digits")
    return value


def known_facts(facts: Mapping[str, object]) -> Facts:
    """The facts that a source states: those that are not None."""
    return cast("Facts", {name: value for name, value in facts.items() if value is not None})


def first_day(text: str | None) -> date | None:
    """The first day of a year, a month or a day: 2025-06 -> 2025-06-01. None if the text is not one of them."""
    if not text or not re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", text, re.ASCII):
        return None
    try:
        return date.fromisoformat({4: f"{text}-01-01", 7: f"{text}-01"}.get(len(text), text))
    except ValueError:
        return None


@dataclass(slots=True)
class ModelClaims:
    """One model as one source describes it."""

    provider: str
    slug: str
    facts: Facts = field(default_factory=Facts)
    capabilities: dict[str, bool] = field(default_factory=dict[str, bool])
    """Capability name -> whether the model has it."""
    parameters: dict[str, ParameterClaim] = field(default_factory=dict[str, ParameterClaim])
    rates: list[RateClaim] = field(default_factory=list[RateClaim])
    aliases: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])
    """Fact -> why this source is trusted over the others."""
    match: Matcher | None = None
    """The source's own rule for the references that mean this model."""

    @property
    def key(self) -> ModelKey:
        return self.provider, self.slug


@dataclass(frozen=True, slots=True)
class ProviderClaims:
    """One provider as one source describes it. None means that the source does not say."""

    name: str | None = None
    kind: ProviderKind | None = None
    website_url: str | None = None
    docs_url: str | None = None
    api_base_url: str | None = None
    credential_variables: Sequence[str] | None = None
    fallback: Sequence[str] = ()
    """Providers whose prices apply where this one has none of its own."""


@dataclass(frozen=True, slots=True)
class FamilyClaims:
    """One family as one source describes it."""

    name: str
    default_model_ref: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Claims about every model of some providers whose slug matches a pattern."""

    providers: tuple[str, ...]
    match: tuple[str, ...]
    excluding: tuple[str, ...]
    claims: ModelClaims
    origin: str
    """File and position, for messages."""
    own: bool = False
    """True for an entry about one model by name, which overrides patterns."""


def line(text: str, longest: int) -> str:
    """Text from outside on one line: escaped where it can't be printed, and shortened."""
    shown = repr(text[:longest])[1:-1][:longest]
    return shown if len(text) <= longest else f"{shown}…"


@dataclass(slots=True)
class Catalogue:
    """Everything one source says at one time."""

    source: str
    models: list[ModelClaims] = field(default_factory=list[ModelClaims])
    providers: dict[str, ProviderClaims] = field(default_factory=dict[str, ProviderClaims])
    families: dict[str, FamilyClaims] = field(default_factory=dict[str, FamilyClaims])
    rules: list[Rule] = field(default_factory=list[Rule])
    quarantined: list[str] = field(default_factory=list[str])
    """One line for each entry that is invalid and was left out; if there are very many, the first ones."""
    entries: int = 0
    """Models the source lists, including those left out; 0 for sources written by hand, which leave nothing out."""

    def keep(self, claims: ModelClaims) -> None:
        self.models.append(claims)
        self.entries += 1

    def quarantine(self, what: str, why: str, entries: int = 1) -> None:
        """Notes an entry that is left out, and the number of models in it."""
        self.entries += entries
        if len(self.quarantined) < MAX_QUARANTINE_LINES:
            self.quarantined.append(f"{line(what, 100)}: {line(why, 200)}")

    @property
    def left_out(self) -> int:
        return max(0, self.entries - len(self.models))
