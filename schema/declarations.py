"""How a type declares its fields: `of(table)`, `column`, `edge` and `field` say what is public and what it needs.

    @of(tables.Model)
    class Model(Node):
        ref: auto
        provider = edge(Provider, dataloaders.providers, by="provider_slug", description="Who serves it.")

        @field(needs=dataloaders.rates_by_model, clock=Clock.DAY, largest=40, sized_by="first")
        @staticmethod
        def price_cards(model: tables.Model, rates: Sequence[tables.Rate], today: date) -> list[PriceCard]: ...

A field's function is pure: it gets a row, what was loaded for it, its arguments, and `today` or `now` if it declares
that clock. Only batch functions read the database. Resolvers and the cost limit are both made from the declaration.
"""

import asyncio
import inspect
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from operator import attrgetter
from typing import Annotated, Any, Concatenate, TypeAlias, TypeVar, dataclass_transform

import strawberry
from graphql import GraphQLField
from sqlmodel import SQLModel
from strawberry import auto
from strawberry.parent import StrawberryParent

from schema.context import AnyBatch, Batch, Context, Info
from schema.errors import ClientError

C = TypeVar("C", bound=type)
K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
ROW: Any = Annotated[Any, StrawberryParent()]
"""How Strawberry marks the parameter that gets the row."""
Key: TypeAlias = str | Callable[[Any], object] | Callable[Concatenate[Any, ...], object]
"""Name of the column that holds a batch function's key, or a function from the row and its arguments to the key."""


class Clock(Enum):
    """How a field's value depends on the time of the request. Each member's value is the parameter that receives it."""

    NEVER = ""
    DAY = "today"
    """The UTC day."""
    INSTANT = "now"
    """From one moment to the next, also while the registry stays at one revision."""

    def given(self, now: datetime) -> Mapping[str, date]:
        """What a function that declares this clock gets for it."""
        return {} if self is Clock.NEVER else {self.value: now if self is Clock.INSTANT else now.date()}


class Kind(Enum):
    """Where a field's answer comes from."""

    COLUMN = "an attribute of the row"
    EDGE = "the result of a batch function, unchanged"
    VALUE = "a function of the row and what was loaded for it"
    CONNECTION = "a page of a listing"
    ACTION = "a coroutine of its own: a mutation or a subscription"


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its keyword parameters: GraphQL arguments and the clock."""

    function: Callable[..., object]
    parameters: tuple[inspect.Parameter, ...] = ()

    def __call__(self, *values: object, **given: object) -> Any:
        return self.function(
            *values,
            **{parameter.name: given[parameter.name] for parameter in self.parameters if parameter.name in given},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """All that is known about a field besides its type and description."""

    kind: Kind
    needs: tuple[AnyBatch, ...] = ()
    by: tuple[Call, ...] = ()
    """The key of each batch function in `needs`; a key of None loads nothing."""
    function: Call | None = None
    """Computes the value of a VALUE field, or the listing of a CONNECTION."""
    under: str | None = None
    """Column of the listed table that ties a CONNECTION to its parent's key."""
    clock: Clock = Clock.NEVER
    weight: int | None = None
    """Cost of the field itself; None means one for each object it can return."""
    sized_by: tuple[str, ...] = ()
    """Arguments that set the number of its entries: a number (first, last) or a list (ids, refs)."""
    largest: int | None = None
    """Maximum number of its entries."""
    usual: int | None = None
    """Number of its entries if no argument sets it; None means `largest`."""
    once: bool = False
    """Costs the same however many entries the page above it has."""
    counted_above: bool = False
    """Its entries were already counted for the field above it, as with `nodes` and `edges` of a connection."""

    @property
    def cut(self) -> bool:
        """Whether the resolver truncates the list to `first`; the listing of a CONNECTION does so itself."""
        return self.kind is not Kind.CONNECTION and self.sized_by == ("first",)


def declared(definition: GraphQLField) -> Declaration | None:
    """The declaration of a field of the executable schema; None for a plain attribute."""
    known: Any = definition.extensions.get("strawberry-definition")
    found: Declaration | None = known.metadata.get("declaration") if known else None
    return found


@dataclass_transform(kw_only_default=True)
def of(table: type[SQLModel], *, description: str | None = None) -> Callable[[C], C]:
    """A GraphQL type whose values are rows of the table.

    Attributes take their description from the sentence under the column, and with `auto` their type, too.
    Raises TypeError if the table has no such column, or the column has no description.
    """

    def present(cls: C) -> C:
        for name, annotation in list(cls.__annotations__.items()):
            declaration: Any = vars(cls).get(name)
            if annotation is not auto and declaration is not None and declaration.description:
                continue
            found = table.model_fields.get(name)
            if found is None or found.description is None:
                raise TypeError(f"{cls.__name__}.{name}: {table.__name__} has no described column of that name.")
            if annotation is auto:
                cls.__annotations__[name] = found.annotation
            shown = column() if declaration is None else declaration
            shown.description = " ".join(found.description.split())
            setattr(cls, name, shown)
        if not hasattr(cls, "is_type_of"):
            # Rows are not instances of the class; the field that returns a row determines its type.
            cls.is_type_of = classmethod(lambda *_: True)  # type: ignore[attr-defined] # Strawberry looks for it
        return strawberry.type(cls, description=" ".join((description or table.__doc__ or "").split()))

    return present


def column(
    description: str | None = None, *, name: str | None = None, largest: int | None = None, clock: Clock = Clock.NEVER
) -> Any:
    """An attribute of the row for which `auto` is not enough: it has another public name or type, is a list,
    or changes between revisions."""
    declaration = Declaration(kind=Kind.COLUMN, largest=largest, clock=clock)
    return strawberry.field(name=name, description=description, metadata={"declaration": declaration})


def edge(
    type_: object,
    needs: AnyBatch,
    *,
    by: Key,
    description: str,
    weight: int | None = None,
    sized_by: str | None = None,
    largest: int | None = None,
) -> Any:
    """The result of a batch function for the row's key: an entity, a list of entities, or a value."""
    declaration = Declaration(
        kind=Kind.EDGE,
        needs=(needs,),
        by=(key(by),),
        weight=weight,
        sized_by=(sized_by,) if sized_by else (),
        largest=largest,
    )
    return built(declaration, type_, description)


def field(
    type_: object = None,
    *,
    needs: AnyBatch | Sequence[AnyBatch] = (),
    by: Key = "id",
    clock: Clock = Clock.NEVER,
    weight: int | None = None,
    sized_by: str | None = None,
    largest: int | None = None,
    once: bool = False,
    counted_above: bool = False,
) -> Callable[[Any], Any]:
    """A field computed by a pure function of the row, what each of `needs` gives for its key, and its arguments.

    The function's docstring is the description; its return annotation is the type unless another is given.
    """
    wanted = (needs,) if callable(needs) else tuple(needs)

    def declare(function: Any) -> Any:
        function = getattr(function, "__func__", function)
        declaration = Declaration(
            kind=Kind.VALUE,
            needs=wanted,
            by=(key(by),) * len(wanted),
            function=call(function, 1 + len(wanted)),
            clock=clock,
            weight=weight,
            sized_by=(sized_by,) if sized_by else (),
            largest=largest,
            once=once,
            counted_above=counted_above,
        )
        return built(declaration, type_ or function.__annotations__["return"], function.__doc__ or "")

    return declare


def call(function: Callable[..., object], values: int) -> Call:
    """The Call of a function that gets this many values by position."""
    return Call(function, tuple(inspect.signature(function).parameters.values())[values:])


def key(by: Key) -> Call:
    return Call(attrgetter(by)) if isinstance(by, str) else call(by, 1)


def argument(description: str) -> Any:
    return strawberry.argument(description=description)


def built(declaration: Declaration, type_: object, description: str) -> Any:
    """The Strawberry field of a declaration: its resolver loads what is needed and calls the function."""
    function, clock = declaration.function, declaration.clock
    calls = (*declaration.by, *([function] if function else []))
    arguments = {parameter.name: parameter for part in calls for parameter in part.parameters}
    for other in (Clock.DAY, Clock.INSTANT):
        if (arguments.pop(other.value, None) is not None) != (other is clock):
            raise TypeError(f"{function}: a function gets `{other.value}` if and only if it declares {other}.")
    if declaration.cut:
        words = f"Maximum number of entries, from 0 to {declaration.largest}; all of them by default."
        arguments["first"] = keyword_parameter("first", Annotated[int | None, argument(words)], None)

    def computed(row: object, info: Info, needed: Sequence[object], given: Mapping[str, Any]) -> object:
        moment = clock.given(info.context.now)
        answer: Any = needed[0] if function is None else function(row, *needed, **given, **moment)
        return cut(answer, declaration, given) if declaration.cut else answer

    def resolve(root: object, info: Info, **given: object) -> object:
        return computed(root, info, (), given)

    async def load(root: object, info: Info, **given: object) -> object:
        pairs = zip(declaration.needs, declaration.by, strict=True)
        needed = [loaded(info.context, batch, by(root, **given)) for batch, by in pairs]
        return computed(root, info, await asyncio.gather(*needed), given)

    return resolved(load if declaration.needs else resolve, arguments.values(), declaration, type_, description)


async def loaded(context: Context, batch: Batch[K, T], key: K | None) -> T | None:
    """What a batch function gives for a key; nothing for None."""
    return None if key is None else await context.load(batch, key)


def check_size(name: str, size: int | None, largest: int, advice: str = "") -> None:
    """Raises a ClientError for a number of entries that is out of range."""
    if size is not None and not 0 <= size <= largest:
        raise ClientError(f"{name} must be between 0 and {largest} (got {size}){advice}.")


def cut(entries: Sequence[T] | None, declaration: Declaration, given: Mapping[str, Any]) -> Sequence[T]:
    """The first entries of a list: as many as `first` says, by default the maximum."""
    first, largest = given.get("first"), declaration.largest
    assert largest is not None
    check_size("first", first, largest)
    return (entries or ())[: largest if first is None else first]


def keyword_parameter(name: str, annotation: object, default: object = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def resolved(
    resolve: Callable[..., object],
    arguments: Collection[inspect.Parameter],
    declaration: Declaration,
    type_: object,
    description: str,
) -> Any:
    """A Strawberry field with a resolver that takes these arguments: Strawberry reads them from its signature."""
    parameters = [
        inspect.Parameter("root", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=ROW),
        inspect.Parameter("info", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Info),
        *(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in arguments),
    ]
    resolve.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    vars(resolve)["__signature__"] = inspect.Signature(parameters, return_annotation=type_)
    words, metadata = " ".join(description.split()), {"declaration": declaration}
    return strawberry.field(resolver=resolve, graphql_type=type_, description=words, metadata=metadata)
