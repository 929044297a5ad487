"""The promise: pages follow one another without gap or repetition, both ways, whatever the order and whatever a
refresh changes between two of them; cursors fit only their list."""

import base64
import dataclasses
import resource
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from schema.enums import Meter, ProviderKind
from seeds.catalogue import Catalogue, ModelClaims, ProviderClaims, RateClaim, known_facts
from tests.support.registry import NOW, Ask, asker, put

ORDERS = [
    (field, direction)
    for field in (
        "NAME",
        "RELEASE_DATE",
        "CONTEXT_WINDOW",
        "MAX_OUTPUT_TOKENS",
        "INPUT_PRICE",
        "OUTPUT_PRICE",
        "RELEVANCE",
    )
    for direction in ("ASC", "DESC")
]
PAGE = """query($filter: ModelFilter, $order: ModelOrder, $first: Int, $after: String, $last: Int, $before: String) {
  models(filter: $filter, orderBy: $order, first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { ref name releaseDate contextWindow maxOutputTokens price { input output } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
FILTER = {"families": ["gpt-4.1", "claude-sonnet", "gemini-2.5", "llama", "o"]}


async def walk(full: Ask, order: dict[str, str], size: int, *, backward: bool) -> tuple[list[Any], int]:
    """Every entry of the list, page by page."""
    found: list[Any] = []
    cursor: str | None = None
    while True:
        page = {"last": size, "before": cursor} if backward else {"first": size, "after": cursor}
        models = (await full(PAGE, {"filter": FILTER, "order": order, **page}))["models"]
        info = models["pageInfo"]
        found = models["nodes"] + found if backward else found + models["nodes"]
        assert len(found) <= models["totalCount"]
        if not info["hasPreviousPage" if backward else "hasNextPage"]:
            return found, models["totalCount"]
        cursor = info["startCursor" if backward else "endCursor"]


def value(model: dict[str, Any], field: str) -> Any:
    match field:
        case "NAME":
            return model["name"]
        case "CONTEXT_WINDOW":
            return model["contextWindow"]
        case "MAX_OUTPUT_TOKENS":
            return model["maxOutputTokens"]
        case "INPUT_PRICE" | "OUTPUT_PRICE":
            amount = model["price"]["input" if field == "INPUT_PRICE" else "output"]
            return None if amount is None else float(amount)
        case _:
            return model["releaseDate"]


@pytest.mark.parametrize(("field", "direction"), ORDERS)
async def test_pages_follow_one_another_in_order_both_ways(full: Ask, field: str, direction: str) -> None:
    order = {"field": field, "direction": direction}
    forward, total = await walk(full, order, 37, backward=False)
    assert len(forward) == total == len({model["ref"] for model in forward}) > 100
    assert (await walk(full, order, 41, backward=True))[0] == forward

    values = [value(model, field) for model in forward]
    known = [each for each in values if each is not None]
    assert values == known + [None] * (len(values) - len(known))  # entries without a value come last in both directions
    if field != "NAME":  # names sort by the database's collation
        assert known == sorted(known, reverse=direction == "DESC" or field == "RELEVANCE")


async def test_a_cursor_is_valid_only_for_its_own_list(full: Ask) -> None:
    made = (await full(PAGE, {"first": 1, "filter": FILTER}))["models"]["pageInfo"]["endCursor"]
    for other in (
        {"filter": {"families": ["gpt-4.1"]}},
        {"filter": FILTER, "order": {"field": "NAME"}},
        {},
    ):
        answer = await full(PAGE, {"first": 1, "after": made, **other}, errors=True)
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "BAD_CURSOR"
        assert "another list" in error["message"]
    # The order of a filter's fields does not matter.
    same = {"families": list(reversed(FILTER["families"]))}
    assert (await full(PAGE, {"first": 1, "after": made, "filter": same}))["models"]["nodes"]


@pytest.mark.parametrize("cursor", ["", "garbage", "W10", "WzFd", "bnVsbA", "%00", "é", "A" * 5000])
async def test_an_invalid_cursor_is_refused(full: Ask, cursor: str) -> None:
    for name in ("after", "before"):
        (error,) = (await full(PAGE, {name: cursor}, errors=True))["errors"]
        assert error["extensions"]["code"] == "BAD_CURSOR"
        assert name in error["message"]


@pytest.mark.parametrize(
    "amount",
    [
        *("0E-1000000000", "-0E-1000000000", "0E+1000000000", "1E-1000000000", "-1E-1000000000", "1E+1000000000"),
        *("1E+20", "NaN", "-Infinity", "0." + "0" * 18 + "1", [0, [0], -(10**9)], 1e308, "1" * 400),
    ],
)
async def test_a_forged_amount_is_refused_before_its_digits_are_written_out(full: Ask, amount: Any) -> None:
    order = {"field": "INPUT_PRICE"}
    cursor = (await full(PAGE, {"first": 1, "order": order}))["models"]["pageInfo"]["endCursor"]
    stamp, _, key = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    forged = base64.urlsafe_b64encode(orjson.dumps([stamp, amount, key])).decode().rstrip("=")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (error,) = (await full(PAGE, {"first": 1, "order": order, "after": forged}, errors=True))["errors"]
    assert error["extensions"]["code"] == "BAD_CURSOR"
    assert error["message"] == "after is not a valid cursor. Use the cursor of an edge, or one of pageInfo."
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # in KB


@pytest.mark.parametrize("amount", ["0E-1000000000", "1E-1000000000", "1E+1000000000"])
async def test_an_amount_with_a_huge_exponent_in_a_filter_is_refused(full: Ask, amount: str) -> None:
    for name in ("maxInputPrice", "maxOutputPrice"):
        (error,) = (await full(PAGE, {"filter": {name: amount}}, errors=True))["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("page", [{"first": -1}, {"last": -1}, {"first": 101}, {"last": 101}, {"first": 1, "last": 1}])
async def test_invalid_page_arguments_are_refused(full: Ask, page: dict[str, int]) -> None:
    (error,) = (await full(PAGE, page, errors=True))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_page_has_twenty_entries_unless_asked_otherwise_and_may_be_empty(full: Ask) -> None:
    assert len((await full(PAGE))["models"]["nodes"]) == 20
    empty = (await full(PAGE, {"first": 0}))["models"]
    assert empty["nodes"] == []
    assert empty["pageInfo"]["startCursor"] is None
    assert empty["pageInfo"]["hasNextPage"] is True


async def test_providers_and_families_are_paged_the_same_way(full: Ask) -> None:
    for field in ("providers", "families"):
        query = f"""query($after: String) {{ {field}(first: 50, after: $after) {{
          totalCount nodes {{ slug name }} pageInfo {{ hasNextPage endCursor }} }} }}"""
        slugs: list[str] = []
        cursor: str | None = None
        while True:
            page = (await full(query, {"after": cursor}))[field]
            slugs += [node["slug"] for node in page["nodes"]]
            cursor = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert len(slugs) == page["totalCount"] == len(set(slugs))


# Refreshes between pages

SLUGS = [f"m{number:02}" for number in range(40)]
SPECS = st.fixed_dictionaries(
    {
        # Few values, so that many models share one and the reference breaks the tie; of equal length and in lower
        # case, so that every collation sorts them in the same order.
        "name": st.sampled_from(["able model", "book model", "cool model", "dune model"]),
        "release_date": st.sampled_from([None, *(date(2026, 1, 1) + timedelta(days) for days in range(4))]),
        "context_window": st.sampled_from([None, 1_000, 2_000, 3_000]),
        "max_output_tokens": st.sampled_from([None, 100, 200]),
        "input": st.sampled_from([None, "0", "0.15", "2", "10"]),
        "output": st.sampled_from([None, "0.6", "8"]),
    }
)
Spec = dict[str, Any]
STARTS = st.dictionaries(st.sampled_from(SLUGS), SPECS, min_size=15, max_size=30)
REFRESHES = st.lists(
    st.dictionaries(st.sampled_from(SLUGS), st.none() | SPECS, min_size=1, max_size=10), min_size=1, max_size=6
)
"""The changes of each refresh: slug -> the model's new facts, or None if it left every source."""
Place = tuple[Any, ...]


def catalogue(models: dict[str, Spec]) -> Catalogue:
    made = Catalogue("curated")
    made.providers = {"lab": ProviderClaims("Lab", ProviderKind.LAB)}
    for slug, spec in models.items():
        rates = [
            RateClaim(meter, Decimal(spec[name]))
            for meter, name in ((Meter.INPUT, "input"), (Meter.OUTPUT, "output"))
            if spec[name] is not None
        ]
        facts = known_facts(
            {name: spec[name] for name in ("name", "release_date", "context_window", "max_output_tokens")}
        )
        made.models.append(ModelClaims("lab", slug, facts=facts, rates=rates))
    return made


def place(model: dict[str, Any], field: str, direction: str) -> Place:
    """Sort key of a model: its value, with missing values last, then its reference."""
    found = value(model, field)
    if found is None:
        return (1, (), model["ref"])
    if field == "RELEASE_DATE":
        found = date.fromisoformat(found).toordinal()
    numbers = [ord(letter) for letter in found] if isinstance(found, str) else [found]
    return (0, tuple(-number if direction == "DESC" else number for number in numbers), model["ref"])


@dataclasses.dataclass
class Walk:
    """A client that reads a list page by page."""

    field: str
    direction: str
    backward: bool
    filter: dict[str, Any]
    nested: bool
    cursor: str | None = None
    done: bool = False
    lists: list[dict[str, Place]] = dataclasses.field(default_factory=list[dict[str, Place]])
    """The whole list at the time of each request."""
    pages: list[list[Place]] = dataclasses.field(default_factory=list[list[Place]])

    async def ask(self, ask: Ask, page: dict[str, Any]) -> dict[str, Any]:
        order = {"field": self.field, "direction": self.direction}
        query = NESTED if self.nested else PAGE
        data = await ask(query, {"filter": self.filter, "order": order, **page})
        models: dict[str, Any] = data["provider"]["models"] if self.nested else data["models"]
        return models

    def places(self, nodes: list[dict[str, Any]]) -> list[Place]:
        return [place(node, self.field, self.direction) for node in nodes]

    async def step(self, ask: Ask, size: int) -> None:
        whole = self.places((await self.ask(ask, {"first": 100}))["nodes"])
        assert whole == sorted(whole)
        self.lists.append({each[-1]: each for each in whole})
        page = {"last": size, "before": self.cursor} if self.backward else {"first": size, "after": self.cursor}
        models = await self.ask(ask, page)
        found = self.places(models["nodes"])
        self.pages.append(list(reversed(found)) if self.backward else found)
        info = models["pageInfo"]
        self.done = not info["hasPreviousPage" if self.backward else "hasNextPage"]
        self.cursor = info["startCursor" if self.backward else "endCursor"]

    def check(self) -> None:
        seen = [each for page in self.pages for each in page]
        # In order, so nothing appears twice unless its new value moved it ahead.
        assert seen == sorted(set(seen), reverse=self.backward)
        # Each page matches the list at the time of its request.
        for page, whole in zip(self.pages, self.lists, strict=True):
            assert all(whole.get(each[-1]) == each for each in page)
        # From the time a model has its final place: it appears once if that place was still ahead, else not again.
        for ref, final in self.lists[-1].items():
            since = len(self.lists)
            while since and self.lists[since - 1].get(ref) == final:
                since -= 1
            behind = [each for page in self.pages[:since] for each in page]
            ahead = not behind or (final < behind[-1] if self.backward else final > behind[-1])
            later = [each for page in self.pages[since:] for each in page]
            assert [each for each in later if each[-1] == ref] == ([final] if ahead else []), (ref, since)


NESTED = PAGE.replace("models(", 'provider(slug: "lab") { models(', 1) + " }"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=STARTS,
    refreshes=REFRESHES,
    field=st.sampled_from(sorted({field for field, _ in ORDERS} - {"RELEVANCE"})),
    size=st.integers(3, 8),
    filter=st.sampled_from([{}, {"statuses": ["ACTIVE"]}]),
    nested=st.booleans(),
)
async def test_pages_stay_complete_while_refreshes_happen_between_them(
    engine: AsyncEngine,
    start: dict[str, Spec],
    refreshes: list[dict[str, Spec | None]],
    field: str,
    size: int,
    filter: dict[str, Any],
    nested: bool,
) -> None:
    ask, models = asker(engine), dict(start)
    walks = [
        Walk(field, direction, backward, filter, nested) for direction in ("ASC", "DESC") for backward in (False, True)
    ]
    coming = list(refreshes)
    await put(engine, [catalogue(models)])
    while under_way := [walk for walk in walks if not walk.done]:
        for walk in under_way:
            await walk.step(ask, size)
        if coming:
            changed = coming.pop(0)
            models = {slug: spec for slug, spec in {**models, **changed}.items() if spec is not None}
            await put(engine, [catalogue(models)], NOW + timedelta(hours=1))
    for walk in walks:
        walk.check()


SEARCH = """query($search: String, $first: Int, $after: String, $last: Int, $before: String) {
  models(search: $search, first: $first, after: $after, last: $last, before: $before) {
    nodes { ref name status } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=STARTS, refreshes=REFRESHES, size=st.integers(3, 8), backward=st.booleans())
async def test_pages_by_relevance_show_each_unchanged_model_once(
    engine: AsyncEngine, start: dict[str, Spec], refreshes: list[dict[str, Spec | None]], size: int, backward: bool
) -> None:
    ask, models, coming = asker(engine), dict(start), list(refreshes)
    await put(engine, [catalogue(models)])
    lists: list[dict[str, Any]] = []
    seen: list[str] = []
    cursor: str | None = None
    more = True
    while more:
        whole = (await ask(SEARCH, {"search": "model", "first": 100}))["models"]["nodes"]
        lists.append({node["ref"]: node for node in whole})
        page = {"last": size, "before": cursor} if backward else {"first": size, "after": cursor}
        found = (await ask(SEARCH, {"search": "model", **page}))["models"]
        seen += [node["ref"] for node in found["nodes"]]
        more = found["pageInfo"]["hasPreviousPage" if backward else "hasNextPage"]
        cursor = found["pageInfo"]["startCursor" if backward else "endCursor"]
        if coming:
            changed = coming.pop(0)
            models = {slug: spec for slug, spec in {**models, **changed}.items() if spec is not None}
            await put(engine, [catalogue(models)], NOW + timedelta(hours=1))
    for ref, node in lists[0].items():
        if all(each.get(ref) == node for each in lists):
            assert seen.count(ref) == 1, ref
