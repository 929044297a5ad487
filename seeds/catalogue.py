"""What one source says: a Catalogue of providers, families and models, each fact a claim."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from typing import Any

from schema.enums import Meter, ParameterKind, PricePublication, PriceUnit, ServiceTier

ModelKey = tuple[str, str]
"""(provider slug, model slug): one model as one provider sells it."""

MOST_LINES = 1_000
"""Lines kept of what was quarantined."""
MAX_OUTPUT = "max_output_tokens"
"""Stands for a bound that is the model's own largest output."""


@dataclass(frozen=True, slots=True)
class RateClaim:
    """One meter's rate, as a source states it. `amount` is None when included in a subscription."""

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
    """One request parameter, as a source states it; None is "this source does not say"."""

    name: str
    supported: bool = True
    label: str | None = None
    kind: ParameterKind | None = None
    default: Any = None
    minimum: Decimal | str | None = None
    maximum: Decimal | str | None = None
    allowed_values: tuple[str, ...] | None = None
    note: str | None = None


@dataclass(slots=True)
class ModelClaims:
    """One model as one source describes it."""

    provider: str
    slug: str
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    """Column name -> value. A name that is absent is no claim."""
    capabilities: dict[str, bool] = field(default_factory=dict[str, bool])
    """Capability name -> whether the model has it."""
    parameters: dict[str, ParameterClaim] = field(default_factory=dict[str, ParameterClaim])
    rates: list[RateClaim] = field(default_factory=list[RateClaim])
    aliases: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])
    """Field -> why this source is believed over the others."""
    match: Any = None
    """A source's own rule for the references it takes to mean this model."""

    @property
    def key(self) -> ModelKey:
        return self.provider, self.slug


@dataclass(frozen=True, slots=True)
class Rule:
    """Claims about every model of some providers whose slug fits a pattern."""

    providers: tuple[str, ...]
    match: tuple[str, ...]
    excluding: tuple[str, ...]
    claims: ModelClaims
    origin: str
    """File and position, for messages."""
    own: bool = False
    """True when written for one model by name: it outweighs patterns."""


def line(text: str, longest: int) -> str:
    """Foreign text on one line: escaped where it can't be printed, and cut."""
    shown = repr(text[:longest])[1:-1][:longest]
    return shown if len(text) <= longest else f"{shown}…"


@dataclass(slots=True)
class Catalogue:
    """Everything one source says at one moment."""

    source: str
    models: list[ModelClaims] = field(default_factory=list[ModelClaims])
    providers: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """Provider slug -> column name -> value."""
    families: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """Family slug -> column name -> value."""
    rules: list[Rule] = field(default_factory=list[Rule])
    quarantined: list[str] = field(default_factory=list[str])
    """One line for each entry that failed validation and was left out; of very many, the first."""
    entries: int = 0
    """Models the source lists, those left out included; 0 for sources written by hand, which leave nothing out."""

    def keep(self, claims: ModelClaims) -> None:
        self.models.append(claims)
        self.entries += 1

    def quarantine(self, what: str, why: str, entries: int = 1) -> None:
        """Notes an entry that is left out, and how many models are with it."""
        self.entries += entries
        if len(self.quarantined) < MOST_LINES:
            self.quarantined.append(f"{line(what, 100)}: {line(why, 200)}")

    @property
    def left_out(self) -> int:
        return max(0, self.entries - len(self.models))
