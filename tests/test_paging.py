"""The promise: pages follow one another without gap or repetition, both ways, whatever the order; cursors fit only their list."""

from typing import Any

import pytest
from conftest import Ask

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
    assert values == known + [None] * (len(values) - len(known))  # what has no value comes last, either way
    if field != "NAME":  # names sort as the database's collation has it
        assert known == sorted(known, reverse=direction == "DESC" or field == "RELEVANCE")


async def test_a_cursor_fits_only_the_list_it_was_made_for(full: Ask) -> None:
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
    # The same filter written in another order is the same filter.
    same = {"families": list(reversed(FILTER["families"]))}
    assert (await full(PAGE, {"first": 1, "after": made, "filter": same}))["models"]["nodes"]


@pytest.mark.parametrize("cursor", ["", "garbage", "W10", "WzFd", "bnVsbA", "%00", "é", "A" * 5000])
async def test_garbage_is_refused_as_a_cursor(full: Ask, cursor: str) -> None:
    for name in ("after", "before"):
        (error,) = (await full(PAGE, {name: cursor}, errors=True))["errors"]
        assert error["extensions"]["code"] == "BAD_CURSOR"
        assert name in error["message"]


@pytest.mark.parametrize("page", [{"first": -1}, {"last": -1}, {"first": 101}, {"last": 101}, {"first": 1, "last": 1}])
async def test_pages_nobody_can_have_are_refused(full: Ask, page: dict[str, int]) -> None:
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
