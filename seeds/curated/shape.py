"""The format of entries written by hand, in curated files and in overlays: their keys, and how values are checked."""

import re
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, StrictBool

from schema.column_types import LARGEST_INTEGER, check_exact, is_array
from schema.enums import AccessType, Capability, Endpoint, Modality, ModelStatus, ParameterKind, ProviderKind, UseCase
from seeds.catalogue import MAX_OUTPUT, UNFIT, Facts, JsonValue, ParameterClaim, bounded, known_facts

NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)  # 3, -0.25, 1e-7


def _exact(value: object) -> Decimal:
    if isinstance(value, str) and NUMBER.fullmatch(value):
        value = Decimal(value)
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return bounded(check_exact(Decimal(value)))
    raise ValueError('write a number, with or without quotes: 0.3 or "0.3"')


def _bound(value: object) -> Decimal | str:
    return MAX_OUTPUT if value == MAX_OUTPUT else _exact(value)


def _day(value: object) -> date:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        with suppress(ValueError):
            return date.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError("write a valid date: 2026-12-31")


def _count(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_INTEGER:
        return value
    raise ValueError(f"write a whole number of tokens, {LARGEST_INTEGER:,} at most: 128000")


def _window(value: int) -> int:
    if not value:
        raise ValueError("a limit can't be 0. Leave it out if it is not known")
    return value


def is_unfit(text: str) -> bool:
    """True for a text with control characters and the like."""
    # Tabs and line breaks are fine: a description may have several lines.
    return bool(UNFIT.search(re.sub(r"[\t\n]", "", text)))


def _text(value: str) -> str:
    if not value.strip() or is_unfit(value):
        raise ValueError("write some text, without control characters")
    return value


def matching(pattern: str, advice: str) -> AfterValidator:
    """Accepts text on one line that matches as a whole."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value) or UNFIT.search(value):
            raise ValueError(advice)
        return value

    return AfterValidator(check)


def _cutoff(value: str) -> str:
    # 2025, 2025-06 or 2025-06-30
    if not re.fullmatch(r"\d{4}(-(0[1-9]|1[0-2])(-\d\d)?)?", value, re.ASCII) or (len(value) == 10 and not _day(value)):
        raise ValueError('write a year, a month or a day in quotes: "2025-06"')
    return value


Exact = Annotated[Decimal, BeforeValidator(_exact)]
Bound = Annotated[Decimal | Literal["max_output_tokens"], BeforeValidator(_bound)]
Day = Annotated[date, BeforeValidator(_day)]
Count = Annotated[int, BeforeValidator(_count)]
Window = Annotated[Count, AfterValidator(_window)]
Text = Annotated[str, AfterValidator(_text)]
Word = Annotated[str, matching(r"\S+", "write a name without spaces")]
Url = Annotated[Word, matching(r"https?://[^\s/]\S*", "write a URL that starts with https:// or http://")]
Canonical = Annotated[Word, matching(r"[^/\s]+/\S+", 'write maker/model: "openai/gpt-4.1-mini"')]
Cutoff = Annotated[str, AfterValidator(_cutoff)]


class Shape(BaseModel, extra="forbid"):
    """Strict: a misspelled key is an error, not a lost fact."""


class FactsShape(Shape):
    """Facts about one model, or about all models that match a pattern."""

    name: Text | None = None
    family: Word | None = None
    status: ModelStatus | None = None
    access_type: AccessType | None = None
    license: Text | None = None
    parameter_size: Text | None = None
    tagline: Text | None = None
    description: Text | None = None
    best_for: Text | None = None
    is_flagship: StrictBool | None = None
    is_recommended: StrictBool | None = None
    context_window: Window | None = None
    max_input_tokens: Window | None = None
    max_output_tokens: Window | None = None
    knowledge_cutoff: Cutoff | None = None
    release_date: Day | None = None
    deprecation_date: Day | None = None
    retirement_date: Day | None = None
    version_of: Word | None = None
    """Slug of the undated model that this is a snapshot of."""
    canonical: Canonical | None = None
    """maker/model: the identity shared with the same model at other providers."""
    input_modalities: list[Modality] | None = None
    output_modalities: list[Modality] | None = None
    endpoints: list[Endpoint] | None = None
    use_cases: list[UseCase] | None = None
    capabilities: list[Capability] = []
    without_capabilities: list[Capability] = []
    reasons: dict[Word, Text] = {}
    """Fact, or `price` -> why this value is right although other sources disagree."""

    @property
    def facts(self) -> Facts:
        return known_facts({name: _stored(getattr(self, SPELLED.get(name, name))) for name in Facts.__annotations__})

    @property
    def capability_claims(self) -> dict[str, bool]:
        """Capability name -> whether the model has it."""
        has = dict.fromkeys((capability.name for capability in self.capabilities), True)
        return has | dict.fromkeys((capability.name for capability in self.without_capabilities), False)


SPELLED = {"knowledge_cutoff_text": "knowledge_cutoff"}
"""Facts that have a shorter name in files."""


def _stored(value: object) -> object:
    """A list of enum members as the set of their names; any other value unchanged."""
    return frozenset(member.name for member in value) if is_array(value) else value


class ParameterShape(Shape):
    kind: ParameterKind
    default: object = None
    minimum: Bound | None = None
    maximum: Bound | None = None
    allowed_values: tuple[Text, ...] | None = None
    note: Text | None = None

    def claim(self, name: str, label: str | None) -> ParameterClaim:
        return ParameterClaim(
            name,
            label=label,
            kind=self.kind,
            default=cast("JsonValue", self.default),
            minimum=self.minimum,
            maximum=self.maximum,
            allowed_values=self.allowed_values,
            note=self.note,
        )


class ProviderShape(Shape):
    name: Text | None = None
    kind: ProviderKind | None = None
    website_url: Url | None = None
    docs_url: Url | None = None
    api_base_url: Url | None = None
    credential_variables: list[Word] | None = None
