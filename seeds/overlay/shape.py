"""The format of an operator's overlay: its keys, their valid values, and what to write instead of an invalid one."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, StrictBool

from schema.column_types import LARGEST_INTEGER, check_exact, is_array, is_object
from schema.enums import (
    AccessType,
    Capability,
    Endpoint,
    Meter,
    Modality,
    ModelStatus,
    ParameterKind,
    PricePublication,
    PriceUnit,
    ProviderKind,
    ServiceTier,
    UseCase,
)
from seeds.catalogue import MAX_OUTPUT
from seeds.curated.loader import Shape
from seeds.feeds.validation import PROVIDER_SLUG, UNFIT, bounded

KeyPath = tuple[str | int, ...]
"""Keys and indexes that lead to a value: ("models", "acme/one", "rates", 0, "amount")."""

NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)


def _exact(value: object) -> Decimal:
    if isinstance(value, str) and NUMBER.fullmatch(value):
        value = Decimal(value)
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return bounded(check_exact(Decimal(value)))
    raise ValueError('write a number, with or without quotes: 0.3 or "0.3"')


def _positive(value: Decimal) -> Decimal:
    if value < 0:
        raise ValueError("a price can't be negative")
    return value


def _bound(value: object) -> Decimal | str:
    return MAX_OUTPUT if value == MAX_OUTPUT else _exact(value)


def _day(value: object) -> date:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        with suppress(ValueError):
            return date.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError("write a valid date: 2026-12-31")


def _clock(value: object) -> time:
    found = value
    if isinstance(value, str) and re.fullmatch(r"\d\d:\d\d(:00)?", value, re.ASCII):
        with suppress(ValueError):
            found = time.fromisoformat(value)
    if isinstance(found, time) and found == found.replace(second=0, microsecond=0, tzinfo=None):
        return found
    raise ValueError('write hours and minutes in UTC: "07:30"')


def _count(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_INTEGER:
        return value
    raise ValueError(f"write a whole number of tokens, {LARGEST_INTEGER:,} at most: 128000")


def _window(value: int) -> int:
    if not value:
        raise ValueError("a limit can't be 0. Leave it out if it is not known")
    return value


def _has_control_characters(text: str) -> bool:
    # Tabs and line breaks are fine: a description may have several lines.
    return bool(UNFIT.search(re.sub(r"[\t\n]", "", text)))


def _text(value: str) -> str:
    if not value.strip() or _has_control_characters(value):
        raise ValueError("write some text, without control characters")
    return value


def _word(value: str) -> str:
    if not value or re.search(r"\s", value) or UNFIT.search(value):
        raise ValueError("write a name without spaces")
    return value


def _provider(value: str) -> str:
    if not re.fullmatch(PROVIDER_SLUG, value):
        raise ValueError("write a provider's id in lower case: acme")
    return value


def _ref(value: str) -> str:
    if not re.fullmatch(PROVIDER_SLUG + r"/\S+", value) or UNFIT.search(value):
        raise ValueError('write provider/model, the provider in lower case: "acme/assistant-1"')
    return value


def _canonical(value: str) -> str:
    if not re.fullmatch(r"[^/\s]+/\S+", _word(value)):
        raise ValueError('write maker/model: "openai/gpt-4.1-mini"')
    return value


def _url(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]\S*", _word(value)):
        raise ValueError("write a URL that starts with https:// or http://")
    return value


def _cutoff(value: str) -> str:
    if not re.fullmatch(r"\d{4}(-(0[1-9]|1[0-2])(-\d\d)?)?", value, re.ASCII) or (len(value) == 10 and not _day(value)):
        raise ValueError('write a year, a month or a day in quotes: "2025-06"')
    return value


Exact = Annotated[Decimal, BeforeValidator(_exact)]
Amount = Annotated[Exact, AfterValidator(_positive)]
Bound = Annotated[Decimal | Literal["max_output_tokens"], BeforeValidator(_bound)]
Day = Annotated[date, BeforeValidator(_day)]
Clock = Annotated[time, BeforeValidator(_clock)]
Count = Annotated[int, BeforeValidator(_count)]
Window = Annotated[Count, AfterValidator(_window)]
Text = Annotated[str, AfterValidator(_text)]
Word = Annotated[str, AfterValidator(_word)]
Url = Annotated[str, AfterValidator(_url)]
ProviderSlug = Annotated[str, AfterValidator(_provider)]
Ref = Annotated[str, AfterValidator(_ref)]


class ParameterShape(Shape):
    """A whole parameter: it replaces what other sources say about it."""

    kind: ParameterKind
    supported: StrictBool = True
    label: Text | None = None
    default: Any = None
    minimum: Bound | None = None
    maximum: Bound | None = None
    allowed_values: list[Text] | None = None
    note: Text | None = None


class RateShape(Shape):
    meter: Meter
    amount: Amount | None = None
    unit: PriceUnit | None = None
    """By default the usual one: per million tokens, per thousand searches."""
    service_tier: ServiceTier = ServiceTier.STANDARD
    publication: PricePublication | None = None
    min_context_tokens: Count = 0
    daily_from: Clock | None = None
    daily_to: Clock | None = None
    effective_from: Day | None = None
    effective_to: Day | None = None


class PriceShape(Shape):
    """Short form for rates of the standard tier, per million tokens."""

    input: Amount | None = None
    output: Amount | None = None
    cache_read: Amount | None = None
    cache_write: Amount | None = None
    publication: PricePublication | None = None


class ModelShape(Shape):
    """The facts a curated file can give about a model, with its prices; parameters are defined in place."""

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
    knowledge_cutoff: Annotated[str, AfterValidator(_cutoff)] | None = None
    release_date: Day | None = None
    deprecation_date: Day | None = None
    retirement_date: Day | None = None
    version_of: Word | None = None
    canonical: Annotated[str, AfterValidator(_canonical)] | None = None
    input_modalities: list[Modality] | None = None
    output_modalities: list[Modality] | None = None
    endpoints: list[Endpoint] | None = None
    use_cases: list[UseCase] | None = None
    capabilities: list[Capability] = []
    without_capabilities: list[Capability] = []
    aliases: list[Word] = []
    parameters: dict[Word, ParameterShape] = {}
    price: PriceShape | None = None
    rates: list[RateShape] = []
    reasons: dict[Word, Text] = {}
    """Fact, or `price` -> why this value is right although other sources disagree."""


class ProviderShape(Shape):
    name: Text | None = None
    kind: ProviderKind | None = None
    website_url: Url | None = None
    docs_url: Url | None = None
    api_base_url: Url | None = None
    credential_variables: list[Word] | None = None


class FileShape(Shape):
    providers: dict[ProviderSlug, ProviderShape] = {}
    models: dict[Ref, ModelShape] = {}


def known_keys(path: KeyPath) -> list[str]:
    """The keys that are valid in the table of this one."""
    shape: type[Shape]
    match path:
        case ("providers", _, _):
            shape = ProviderShape
        case ("models", _, _):
            shape = ModelShape
        case ("models", _, "price", _):
            shape = PriceShape
        case ("models", _, "rates", _, _):
            shape = RateShape
        case ("models", _, "parameters", _, _):
            shape = ParameterShape
        case _:
            shape = FileShape
    return list(shape.model_fields)


KINDS: Mapping[ParameterKind, tuple[tuple[type, ...], str]] = {
    ParameterKind.NUMBER: ((int, Decimal), "write a number"),
    ParameterKind.INTEGER: ((int,), "write a whole number"),
    ParameterKind.BOOLEAN: ((bool,), "write true or false"),
    ParameterKind.ENUM: ((str,), "write one of the allowed values in quotes"),
    ParameterKind.STRING: ((str,), "write text in quotes"),
    ParameterKind.OBJECT: ((dict,), "write a table"),
    ParameterKind.ARRAY: ((list,), "write an array"),
}


def default_fault(shape: ParameterShape) -> str | None:
    """What is wrong with a parameter's default, if anything."""
    value = shape.default
    if value is None:
        return None
    types, advice = KINDS[shape.kind]
    if not isinstance(value, types) or isinstance(value, bool) != (shape.kind is ParameterKind.BOOLEAN):
        return advice
    if isinstance(value, str) and shape.allowed_values is not None and value not in shape.allowed_values:
        return "it is not one of the allowed values"
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        if isinstance(shape.minimum, Decimal) and value < shape.minimum:
            return "it is less than the minimum"
        if isinstance(shape.maximum, Decimal) and value > shape.maximum:
            return "it is greater than the maximum"
    return _not_json(value)


def _not_json(value: Any) -> str | None:
    """Why a value can't be stored as exact JSON, if it can't."""
    if is_object(value):
        return next((fault for item in (*value, *value.values()) if (fault := _not_json(item))), None)
    if is_array(value):
        return next((fault for item in value if (fault := _not_json(item))), None)
    if isinstance(value, Decimal):
        try:
            bounded(check_exact(value))
        except ValueError as error:
            return str(error).rstrip(".")
    elif isinstance(value, int) and abs(value) >= 2**63:
        return "the number is too large"
    elif isinstance(value, str) and _has_control_characters(value):
        return "it contains control characters"
    elif not isinstance(value, (str, int)):
        return "write dates and times in quotes"
    return None
