"""Filter inputs, each field with its SQL. To add a filter, add a line."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from decimal import ROUND_FLOOR, Decimal, localcontext
from enum import Enum
from typing import Any, Optional, TypeAlias

import sqlalchemy as sa
import strawberry
from sqlalchemy import ColumnElement
from sqlmodel import col
from strawberry import UNSET
from strawberry.utils.str_converters import to_camel_case

from schema import tables
from schema.column_types import FRACTION_DIGITS, WHOLE_DIGITS, dump_json, is_array, plain
from schema.enums import (
    AccessType,
    Capability,
    ChangeKind,
    Endpoint,
    Meter,
    Modality,
    ModelStatus,
    PricePublication,
    ProviderKind,
    ServiceTier,
    UseCase,
)
from schema.errors import ClientError
from schema.lists.cursors import attribute
from schema.tables import Change, Model, TraitKind

Clause = Callable[[Any], ColumnElement[bool]]
LONGEST_LIST = 200
"""Entries of a list in a filter."""
LONGEST_TEXT = 500
"""Characters of a reference or a name; nothing in the registry has a longer one."""
DEEPEST = 6
"""Levels of and, or and not."""


def where(description: str, clause: Clause | None = None, *, name: str | None = None) -> Any:
    """A filter: its description and its SQL, which is never null, so that `not` gives the opposite."""
    return strawberry.field(name=name, description=description, default=UNSET, metadata={"clause": clause})


def storable(bound: Decimal) -> Decimal:
    """The largest value a column can hold that does not exceed the bound: comparing with either gives the same rows."""
    if bound >= 10**WHOLE_DIGITS:
        return Decimal(10**WHOLE_DIGITS - 1)
    with localcontext(prec=2 * (WHOLE_DIGITS + FRACTION_DIGITS)):
        return max(bound, Decimal(-1)).quantize(Decimal(1).scaleb(-FRACTION_DIGITS), rounding=ROUND_FLOOR)


def known(column: object, test: ColumnElement[bool]) -> ColumnElement[bool]:
    """The test if the column has a value, else false."""
    return sa.and_(col(column).is_not(None), test) if attribute(col(column)).nullable else test


def any_of(column: object) -> Clause:
    """True where the column has one of the values."""
    return lambda values: known(column, col(column).in_(values))


def at_least(column: object) -> Clause:
    return lambda bound: known(column, col(column) >= bound)


def at_most(column: object) -> Clause:
    return lambda bound: known(column, col(column) <= (storable(bound) if isinstance(bound, Decimal) else bound))


def trait(kind: TraitKind) -> Clause:
    """True for models that have all of these traits."""
    model_id, value = col(tables.Trait.model_id), col(tables.Trait.value)
    holders = sa.select(model_id).where(col(tables.Trait.kind) == kind)
    return lambda values: all_of(holders.where(value == member.name) for member in values)


def all_of(statements: Iterable[sa.Select[int]]) -> ColumnElement[bool]:
    """True for models whose id every statement selects."""
    return sa.and_(sa.true(), *(col(Model.id).in_(statement) for statement in statements))


def supports_parameters(names: Iterable[str]) -> ColumnElement[bool]:
    model_id, name = col(tables.Parameter.model_id), col(tables.Parameter.name)
    supporting = sa.select(model_id).where(col(tables.Parameter.supported))
    return all_of(supporting.where(name == wanted) for wanted in names)


def provider_has_kind(kinds: list[ProviderKind]) -> ColumnElement[bool]:
    slugs = sa.select(col(tables.Provider.slug)).where(col(tables.Provider.kind).in_(kinds))
    return col(Model.provider_slug).in_(slugs)


@strawberry.input(description="Selects models. All given conditions must hold; null means no condition.")
class ModelFilter:
    providers: list[str] | None = where("Served by one of these providers, by slug.", any_of(Model.provider_slug))
    provider_kinds: list[ProviderKind] | None = where("Served by a provider of one of these kinds.", provider_has_kind)
    families: list[str] | None = where("In one of these families, by slug.", any_of(Model.family_slug))
    statuses: list[ModelStatus] | None = where("With one of these statuses.", any_of(Model.status))
    access_types: list[AccessType] | None = where("With one of these access types.", any_of(Model.access_type))
    capabilities: list[Capability] | None = where("Has all of these capabilities.", trait(TraitKind.CAPABILITY))
    input_modalities: list[Modality] | None = where("Accepts all of these as input.", trait(TraitKind.INPUT_MODALITY))
    output_modalities: list[Modality] | None = where(
        "Produces all of these as output.", trait(TraitKind.OUTPUT_MODALITY)
    )
    endpoints: list[Endpoint] | None = where("Available through all of these API endpoints.", trait(TraitKind.ENDPOINT))
    use_cases: list[UseCase] | None = where("Recommended for all of these use cases.", trait(TraitKind.USE_CASE))
    parameters: list[str] | None = where(
        "Supports all of these request parameters, as the provider's API spells them.", supports_parameters
    )
    min_context_window: int | None = where(
        "Minimum context window, in tokens. Models without a known value do not match.", at_least(Model.context_window)
    )
    min_output_tokens: int | None = where(
        "Minimum for maxOutputTokens. Models without a known value do not match.", at_least(Model.max_output_tokens)
    )
    max_input_price: Decimal | None = where(
        "Maximum standard input price, in USD per 1M tokens. Models without a known price do not match.",
        at_most(Model.price_input),
    )
    max_output_price: Decimal | None = where(
        "Maximum standard output price, in USD per 1M tokens. Models without a known price do not match.",
        at_most(Model.price_output),
    )
    price_publication: list[PricePublication] | None = where(
        "With one of these publication states of the standard price.", any_of(Model.price_publication)
    )
    released_after: date | None = where(
        "Released on this day or later. Models without a known release date do not match.", at_least(Model.release_date)
    )
    released_before: date | None = where(
        "Released on this day or earlier. Models without a known release date do not match.",
        at_most(Model.release_date),
    )
    knowledge_after: date | None = where(
        "Knowledge cutoff on this day or later. Models without a known cutoff do not match.",
        at_least(Model.knowledge_cutoff),
    )
    and_: list["ModelFilter"] | None = where("All of these filters match.", name="and")
    or_: list["ModelFilter"] | None = where(
        "At least one of these filters matches; an empty list matches nothing.", name="or"
    )
    not_: Optional["ModelFilter"] = where("This filter does not match.", name="not")


def serves(models: ModelFilter) -> ColumnElement[bool]:
    return col(tables.Provider.slug).in_(sa.select(col(Model.provider_slug)).where(*conditions(models)))


@strawberry.input(description="Selects providers. All given conditions must hold.")
class ProviderFilter:
    kinds: list[ProviderKind] | None = where("With one of these kinds.", any_of(tables.Provider.kind))
    slugs: list[str] | None = where("One of these providers, by slug.", any_of(tables.Provider.slug))
    models: ModelFilter | None = where("Serves at least one model that matches this filter.", serves)


@strawberry.input(description="Selects rates. All given conditions must hold.")
class PriceFilter:
    service_tiers: list[ServiceTier] | None = where("For one of these service tiers.")
    meters: list[Meter] | None = where("For one of these meters.")
    publication: list[PricePublication] | None = where("With one of these publication states.")


of_models = any_of(Change.model_ref)


def of_fields(names: list[str]) -> ColumnElement[bool]:
    """True for each of these fields and everything below it."""
    field = col(Change.field)
    # Not LIKE, which ignores case on SQLite.
    below = [sa.func.substr(field, 1, len(name) + 1) == f"{name}." for name in names]
    return known(Change.field, sa.or_(field.in_(names), *below))


@strawberry.input(description="Selects changes. All given conditions must hold.")
class ChangeFilter:
    kinds: list[ChangeKind] | None = where("Of one of these kinds.", any_of(Change.kind))
    models: list[str] | None = where(
        "Of one of these models: references in any spelling that the query `model` accepts.", of_models
    )
    providers: list[str] | None = where(
        "Of one of these providers or one of their models, by slug.", any_of(Change.provider_slug)
    )
    fields: list[str] | None = where(
        "Of one of these fields or anything below it: prices also selects prices.BATCH.INPUT.", of_fields
    )
    since: datetime | None = where("Observed at this time or later.", at_least(Change.observed_at))
    since_revision: int | None = where(
        "Made by a revision after this one, by number.", lambda v: col(Change.revision_number) > v
    )


Filter: TypeAlias = ModelFilter | ProviderFilter | PriceFilter | ChangeFilter


def given(filter: Any) -> Iterator[tuple[dataclasses.Field[Any], Any]]:
    """The fields of an input that have a value. Raises a ClientError for a list or a text that is too long."""
    for member in dataclasses.fields(filter):
        value = getattr(filter, member.name)
        if value is not UNSET and value is not None:
            check_list(to_camel_case(member.name.strip("_")), value)
            yield member, value


def check_list(name: str, value: object) -> None:
    """Raises a ClientError for a list that is too long or has an entry that is too long."""
    if not is_array(value):
        return
    if len(value) > LONGEST_LIST:
        raise ClientError(f"{name} must have at most {LONGEST_LIST} entries (got {len(value)}).")
    longest = max((len(entry) for entry in value if isinstance(entry, str)), default=0)
    if longest > LONGEST_TEXT:
        raise ClientError(f"Each entry of {name} must have at most {LONGEST_TEXT} characters (got {longest}).")


def cleaned(value: Any) -> Any:
    """The value without NUL, which PostgreSQL refuses in any text; no name contains one."""
    if is_array(value):
        return [entry.replace("\x00", "\ufffd") if isinstance(entry, str) else entry for entry in value]
    return value


def conditions(filter: Filter | None, depth: int = 0) -> tuple[ColumnElement[bool], ...]:
    """The SQL of a filter. Raises a ClientError if the filter is too large."""
    if filter is None or filter is UNSET:
        return ()
    if depth > DEEPEST:
        raise ClientError(f"The filter nests and, or and not more than {DEEPEST} levels deep. Flatten it.")

    def whole(part: ModelFilter) -> ColumnElement[bool]:
        return sa.and_(sa.true(), *conditions(part, depth + 1))

    found: list[ColumnElement[bool]] = []
    for member, value in given(filter):
        match member.name:
            case "and_":
                found += map(whole, value)
            case "or_":
                found.append(sa.or_(sa.false(), *map(whole, value)))
            case "not_":
                found.append(sa.not_(whole(value)))
            case _:
                found.append(member.metadata["clause"](cleaned(value)))
    return tuple(found)


def canonical(filter: object) -> object:
    """A filter in plain JSON terms, equal for filters that mean the same."""
    if filter is None or filter is UNSET:
        return None
    if dataclasses.is_dataclass(filter):
        return {each.name: canonical(value) for each, value in given(filter)}
    if is_array(filter):
        return sorted((canonical(value) for value in filter), key=dump_json)
    if isinstance(filter, Enum):
        return filter.name
    if isinstance(filter, Decimal):
        return plain(filter)
    return filter.isoformat() if isinstance(filter, date) else filter


def signature(*parts: object) -> str:
    """Names a listing: equal for the same table, filter and order."""
    return dump_json([canonical(part) for part in parts])
