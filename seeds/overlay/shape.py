"""The format of an operator's overlay: its keys, their valid values, and what to write instead of an invalid one."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import time
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, StrictBool

from schema.column_types import check_exact, is_array, is_object
from schema.enums import Meter, ParameterKind, PricePublication, PriceUnit, ServiceTier
from seeds.catalogue import PROVIDER_SLUG, bounded
from seeds.curated import shape as curated
from seeds.curated.shape import Count, Day, Exact, FactsShape, ProviderShape, Shape, Text, Word, is_unfit, matching

KeyPath = tuple[str | int, ...]
"""Keys and indexes that lead to a value: ("models", "acme/one", "rates", 0, "amount")."""


class EntryError(ValueError):
    """What is wrong at a key path, and what to write instead."""

    def __init__(self, path: KeyPath, message: str) -> None:
        super().__init__(message)
        self.path = path


def _positive(value: Decimal) -> Decimal:
    if value < 0:
        raise ValueError("a price can't be negative")
    return value


def _clock(value: object) -> time:
    found = value
    if isinstance(value, str) and re.fullmatch(r"\d\d:\d\d(:00)?", value, re.ASCII):
        with suppress(ValueError):
            found = time.fromisoformat(value)
    if isinstance(found, time) and found == found.replace(second=0, microsecond=0, tzinfo=None):
        return found
    raise ValueError('write hours and minutes in UTC: "07:30"')


Amount = Annotated[Exact, AfterValidator(_positive)]
Clock = Annotated[time, BeforeValidator(_clock)]
ProviderSlug = Annotated[str, matching(PROVIDER_SLUG, "write a provider's id in lower case: acme")]
REF_ADVICE = 'write provider/model, the provider in lower case: "acme/assistant-1"'
Ref = Annotated[str, matching(PROVIDER_SLUG + r"/\S+", REF_ADVICE)]


class ParameterShape(curated.ParameterShape):
    """A whole parameter: it replaces what other sources say about it."""

    supported: StrictBool = True
    label: Text | None = None


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


class ModelShape(FactsShape):
    """The facts a curated file can give about a model, with its prices; parameters are defined in place."""

    aliases: tuple[Word, ...] = ()
    parameters: dict[Word, ParameterShape] = {}
    price: PriceShape | None = None
    rates: list[RateShape] = []


class FileShape(Shape):
    providers: dict[ProviderSlug, ProviderShape] = {}
    models: dict[Ref, ModelShape] = {}


def known_keys(path: KeyPath) -> list[str]:
    """The keys that are valid in the table of this one."""
    match path:
        case ("providers", _, _):
            return list(ProviderShape.model_fields)
        case ("models", _, _):
            return list(ModelShape.model_fields)
        case ("models", _, "price", _):
            return list(PriceShape.model_fields)
        case ("models", _, "rates", _, _):
            return list(RateShape.model_fields)
        case ("models", _, "parameters", _, _):
            return list(ParameterShape.model_fields)
        case _:
            return list(FileShape.model_fields)


KINDS: Mapping[ParameterKind, tuple[tuple[type, ...], str]] = {
    ParameterKind.NUMBER: ((int, Decimal), "write a number"),
    ParameterKind.INTEGER: ((int,), "write a whole number"),
    ParameterKind.BOOLEAN: ((bool,), "write true or false"),
    ParameterKind.ENUM: ((str,), "write one of the allowed values in quotes"),
    ParameterKind.STRING: ((str,), "write text in quotes"),
    ParameterKind.OBJECT: ((dict,), "write a table"),
    ParameterKind.ARRAY: ((list,), "write an array"),
}


def default_fault(parameter: ParameterShape) -> str | None:
    """What is wrong with a parameter's default, if anything."""
    value = parameter.default
    if value is None:
        return None
    types, advice = KINDS[parameter.kind]
    if not isinstance(value, types) or isinstance(value, bool) != (parameter.kind is ParameterKind.BOOLEAN):
        return advice
    if isinstance(value, str) and parameter.allowed_values is not None and value not in parameter.allowed_values:
        return "it is not one of the allowed values"
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        if isinstance(parameter.minimum, Decimal) and value < parameter.minimum:
            return "it is less than the minimum"
        if isinstance(parameter.maximum, Decimal) and value > parameter.maximum:
            return "it is greater than the maximum"
    return _not_json(value)


def _not_json(value: object) -> str | None:
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
    elif isinstance(value, str) and is_unfit(value):
        return "it contains control characters"
    elif not isinstance(value, (str, int)):
        return "write dates and times in quotes"
    return None
