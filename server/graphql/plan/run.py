"""Runs a plan breadth-first: for each level of the document one call of every batch function, for all rows at once.

The objects of the response are made from the deepest level up. Whatever goes wrong ends the run: the operation is then
executed by graphql-core, whose errors are the specification's.
"""

import asyncio
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import orjson
from graphql.execution.values import VariableValues

from schema.cache import Cache, size_of
from schema.context import Batch, Context
from schema.declarations import Clock, Kind, cut
from schema.lists.connection import page_request
from schema.lists.cursors import Listing
from server.graphql.plan.build import NullError, serialized
from server.graphql.plan.plan import FieldPlan, Plan, Selection

Part: TypeAlias = tuple[Any, orjson.Fragment]
"""A row, and the encoded object that the response has for it."""
UNINTERRUPTED: Final = 5_000
"""Values computed before other requests get their turn."""


class Work:
    """The rows of one selection, and what becomes of them."""

    __slots__ = ("columns", "keys", "objects", "parts", "rows", "selection")

    def __init__(self, selection: Selection, rows: Sequence[Any], parts: "Parts | None" = None) -> None:
        self.selection, self.rows, self.parts = selection, rows, parts
        self.keys: dict[FieldPlan, list[Sequence[Any]]] = {}
        """The keys each computed field needs, one list for each of its batch functions."""
        self.columns: list[Column] = []
        """A column for each computed field."""
        self.objects: Sequence[Any] = ()

    def build(self) -> None:
        columns = [column.finished() for column in self.columns]
        self.objects = self.selection.build(self.rows, *columns)
        if self.parts is not None:
            self.objects = self.parts.completed(self.rows, self.objects)


class Parts:
    """The objects of a list that are kept encoded, from earlier requests for the same selection of the same rows."""

    __slots__ = ("cache", "found", "scope")

    def __init__(self, cache: Cache[Any], scope: Hashable, rows: Sequence[Any]) -> None:
        self.cache, self.scope = cache, scope
        self.found = [self.of(row) for row in rows]
        """The part of each row, None where there is none yet."""

    def of(self, row: Any) -> orjson.Fragment | None:
        part = self.cache.get((self.scope, id(row)))
        # The row is kept with its part: as long as that is there, no other row gets its id.
        return None if part is None else part[1]

    def completed(self, rows: Sequence[Any], objects: Sequence[Any]) -> Sequence[Any]:
        """The parts of all rows, given the objects of those rows that had none."""
        made: list[orjson.Fragment] = []
        for row, value in zip(rows, objects, strict=True):
            content = orjson.dumps(value)
            fragment = orjson.Fragment(content)
            made.append(fragment)
            self.cache.put((self.scope, id(row)), (row, fragment), len(content))
        missing = iter(made)
        return [next(missing) if part is None else part for part in self.found]


class Column:
    """The values of one computed field: leaves, or rows whose objects are made first."""

    __slots__ = ("below", "plan", "values")

    def __init__(self, plan: FieldPlan, values: Sequence[Any]) -> None:
        self.plan, self.values = plan, values
        self.below: dict[str, Work] = {}
        """The objects, by type."""

    def finished(self) -> Sequence[Any]:
        """What the response has for each row."""
        plan, shape = self.plan, self.plan.shape
        if not plan.selections:
            if not shape.is_list:
                return checked(serialized(self.values, plan.serialize), shape.nullable, plan)
            lists = [
                None if entries is None else checked(serialized(entries, plan.serialize), shape.nullable_items, plan)
                for entries in self.values
            ]
            return checked(lists, shape.nullable, plan)
        checked(self.values, shape.nullable, plan)
        objects = self.objects()
        if not shape.is_list:
            return [None if value is None else next(objects) for value in self.values]
        return [
            None if entries is None else [None if entry is None else next(objects) for entry in entries]
            for entries in self.values
        ]

    def objects(self) -> Iterator[Any]:
        """The objects in the order of their rows."""
        if self.plan.type_of is None:
            (work,) = self.below.values()
            return iter(work.objects)
        by_type = {name: iter(work.objects) for name, work in self.below.items()}
        return (next(by_type[self.plan.type_of(row)]) for row in self.entries())

    def entries(self) -> list[Any]:
        """Every row below the field that is not null."""
        plan = self.plan
        if not plan.shape.is_list:
            return [value for value in self.values if value is not None]
        entries = [entry for entries in self.values if entries is not None for entry in entries]
        if None not in entries:
            return entries
        checked(entries, plan.shape.nullable_items, plan)
        return [entry for entry in entries if entry is not None]


def checked(values: Sequence[Any], nullable: bool, plan: FieldPlan) -> Sequence[Any]:
    """The values themselves. Raises NullError for a null where none may be."""
    if not nullable and any(value is None for value in values):
        raise NullError(plan.coordinate)
    return values


async def run(plan: Plan, context: Context, variables: VariableValues) -> Mapping[str, Any]:
    """The data of the response. Raises whatever goes wrong."""
    return await Run(context, variables).run(plan)


class Run:
    def __init__(self, context: Context, variables: VariableValues) -> None:
        self.context, self.variables = context, variables
        self.given: dict[FieldPlan, Mapping[str, Any]] = {}
        self.computed = 0

    async def run(self, plan: Plan) -> Mapping[str, Any]:
        works = level = [Work(plan.root, [None])]
        while level:
            loaded = await self.load(level)
            below: list[Work] = []
            for work in level:
                await self.pause(len(work.rows) * len(work.selection.computed))
                below += self.compute(work, loaded)
            level = below
            works = works + level
        plan.root.runs += 1
        for work in reversed(works):
            await self.pause(len(work.rows) * len(work.selection.members))
            work.build()
        data: Mapping[str, Any] = works[0].objects[0]
        return data

    async def pause(self, values: int) -> None:
        self.computed += values
        if self.computed > UNINTERRUPTED:
            self.computed = 0
            await asyncio.sleep(0)

    def arguments(self, plan: FieldPlan) -> Mapping[str, Any]:
        if not callable(plan.arguments):
            return plan.arguments
        given = self.given.get(plan)
        if given is None:
            given = self.given[plan] = plan.arguments(self.variables)
        return given

    async def load(self, level: Sequence[Work]) -> Mapping[Batch[Any, Any], Mapping[Any, Any]]:
        """What the batch functions give for the rows of a level: one call of each."""
        wanted: dict[Batch[Any, Any], dict[Any, None]] = defaultdict(dict)
        for work in level:
            for plan in work.selection.computed:
                work.keys[plan] = [
                    await self.page_requests(plan, work)
                    if plan.declaration.kind is Kind.CONNECTION
                    else self.batch_keys(plan, by, work.rows)
                    for by in plan.declaration.by
                ]
                for batch, keys in zip(plan.declaration.needs, work.keys[plan], strict=True):
                    wanted[batch].update(dict.fromkeys(keys))
        loaded: dict[Batch[Any, Any], Mapping[Any, Any]] = {}
        for batch, asked in wanted.items():
            loaded[batch] = await self.context.load_many(batch, [key for key in asked if key is not None])
        return loaded

    def batch_keys(self, plan: FieldPlan, by: Any, rows: Sequence[Any]) -> Sequence[Any]:
        if not by.parameters:
            return list(map(by.function, rows))
        given = self.arguments(plan)
        return [by(row, **given) for row in rows]

    async def page_requests(self, plan: FieldPlan, work: Work) -> Sequence[Any]:
        given, declaration = self.arguments(plan), plan.declaration
        listing = await self.listing(plan, given, is_recurring=work.selection.runs > 0)
        return [page_request(declaration, listing, row, given) for row in work.rows]

    async def listing(self, plan: FieldPlan, given: Mapping[str, Any], *, is_recurring: bool) -> Listing:
        """What a connection lists; made once for arguments that are constant."""
        assert plan.declaration.function
        constant = self.context.parts if is_recurring and not callable(plan.arguments) else None
        known = None if constant is None else constant.get(plan)
        listing: Listing = await plan.declaration.function(self.context, **given) if known is None else known
        if constant is not None and known is None:
            constant.put(plan, listing, size_of(listing))
        return listing

    def compute(self, work: Work, loaded: Mapping[Batch[Any, Any], Mapping[Any, Any]]) -> Iterator[Work]:
        """Computes the columns of the rows. Yields the work below them."""
        for plan in work.selection.computed:
            found = [
                [None if key is None else loaded[batch][key] for key in keys]
                for batch, keys in zip(plan.declaration.needs, work.keys[plan], strict=True)
            ]
            column = Column(plan, self.values(plan, work.rows, found))
            work.columns.append(column)
            if plan.selections:
                rows = column.entries()
                for name, selection in plan.selections.items():
                    of_type = rows if plan.type_of is None else [row for row in rows if plan.type_of(row) == name]
                    work_below = column.below[name] = self.work(plan, selection, of_type)
                    if work_below.rows or work_below.parts:
                        yield work_below

    def work(self, plan: FieldPlan, selection: Selection, rows: Sequence[Any]) -> Work:
        """The work for the objects below a field; those whose encoded parts are kept need none.

        Parts are of rows of the database that are listed, or below a list, in a selection that comes again.
        """
        are_rows = (plan.shape.is_list or len(rows) > 1) and bool(rows) and hasattr(rows[0], "_fields")
        depends = selection.clock is Clock.INSTANT or selection.uses_variables or not selection.computed
        cache = self.context.parts if selection.runs and are_rows and not depends else None
        selection.runs += 1
        if cache is None:
            return Work(selection, rows)
        today = self.context.now.date() if selection.clock is Clock.DAY else None
        parts = Parts(cache, (selection, today), rows)
        return Work(selection, [row for row, part in zip(rows, parts.found, strict=True) if part is None], parts)

    def values(self, plan: FieldPlan, rows: Sequence[Any], found: Sequence[Sequence[Any]]) -> Sequence[Any]:
        """The value of a field for each row, given what was loaded for them."""
        declaration = plan.declaration
        if declaration.kind is Kind.COLUMN:
            return [getattr(row, plan.attribute) for row in rows]
        given = self.arguments(plan)
        values: Sequence[Any]
        if declaration.function is None or declaration.kind is Kind.CONNECTION:
            values = found[0]
        else:
            call, moment = declaration.function, declaration.clock.given(self.context.now)
            if call.parameters:
                values = [call(*pair, **given, **moment) for pair in zip(rows, *found, strict=True)]
            else:
                values = list(map(call.function, rows, *found))
        return [cut(value, declaration, given) for value in values] if declaration.cut else values
