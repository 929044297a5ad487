"""The comparison of models side by side, and the page to pick them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from schema.types.comparison import FEWEST, MOST
from server.pages import urls
from server.pages.error_pages import search_terms
from server.pages.formatting import FIELD_LABELS, UNKNOWN, WITHOUT_AMOUNT, Data, amount, field_value
from server.pages.list_query import parse_search
from server.pages.site import PageError, Site

GROUPS = (
    ("price", "Prices"),
    ("capabilities.", "Capabilities"),
    ("parameters.", "Request parameters"),
    ("", "Overview"),
)
"""Prefixes of field names, and the heading of their rows."""
NOT_LISTED = "Not listed"


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    is_known: bool
    is_best: bool


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    unit: str | None
    differs: bool
    cells: Sequence[Cell]


async def compare(site: Site, request: Request) -> Response:
    parameters = request.query_params
    listed = [ref.strip() for text in parameters.getlist("models") for ref in text.split(",")]
    refs = list(dict.fromkeys(ref for ref in listed if ref))
    only_differences = parameters.get("only") == "differences"
    search = parse_search(parameters.get("add", ""))
    problem: str | None = None
    if FEWEST <= len(refs) <= MOST and not search:
        try:
            return await _comparison(site, request, refs, only_differences)
        except PageError as error:
            if error.status != 400:
                raise
            problem = _without_api_advice(error.text)
            # Search for the reference that was not found.
            search = next((search_terms(ref) for ref in refs if f'"{ref}"' in error.text), "")
    elif len(refs) > MOST:
        problem = f"You can compare {FEWEST} to {MOST} models; this link names {len(refs)}."
    return await _picker(site, request, refs, search, problem)


async def _comparison(site: Site, request: Request, refs: Sequence[str], only_differences: bool) -> Response:
    result = await site.query("compare", refs=refs, onlyDifferences=only_differences)
    comparison = result.data["compare"]
    pairs = zip(refs, comparison["models"], strict=True)
    return site.render(
        request,
        "compare.html",
        result,
        only_differences=only_differences,
        groups=group_rows(comparison["rows"], [model["status"] for model in comparison["models"]]),
        models=[model | {"remove_link": link(refs, remove=ref)} for ref, model in pairs],
        toggle_link=link(refs, only="" if only_differences else "differences"),
        refs=refs,
        max_models=MOST,
    )


async def _picker(site: Site, request: Request, refs: Sequence[str], search: str, problem: str | None) -> Response:
    result = await site.query("picker", search=search)
    can_compare = FEWEST <= len(refs) <= MOST and not problem
    return site.render(
        request,
        "model_picker.html",
        result,
        400 if problem else 200,
        problem=problem,
        search=search,
        refs=refs,
        selected=[(ref[:100], link(refs, remove=ref)) for ref in refs[: 2 * MOST]],
        candidates=[model | {"add_link": link([*refs, model["ref"]])} for model in result.data["models"]["nodes"]],
        compare_link=link(refs) if can_compare else None,
        min_models=FEWEST,
        max_models=MOST,
    )


def _without_api_advice(message: str) -> str:
    """A message of the API without the sentences that only concern API clients."""
    sentences = re.split(r"(?<=[.;]) ", message)
    return " ".join(sentence for sentence in sentences if "resolveModel" not in sentence).rstrip(";")


def link(refs: Sequence[str], remove: str | None = None, only: str = "") -> str:
    return "compare" + urls.query_string({"models": [ref for ref in refs if ref != remove], "only": only})


def group_rows(rows: Sequence[Data], statuses: Sequence[str]) -> list[tuple[str, list[Row]]]:
    """The rows under their headings, the overview first."""
    groups: dict[str, list[Row]] = {"Overview": []}
    for row in rows:
        heading = next(heading for prefix, heading in GROUPS if row["field"].startswith(prefix))
        unit = row["unit"] if row["field"].startswith("price.") else None
        texts = [cell_text(value, row, status) for value, status in zip(row["values"], statuses, strict=True)]
        cells = [
            Cell(text, text not in (UNKNOWN, NOT_LISTED), index in row["best"]) for index, text in enumerate(texts)
        ]
        label: str = FIELD_LABELS.get(row["field"]) or row["label"]
        groups.setdefault(heading, []).append(Row(label, unit, row["differs"], cells))
    return [(heading, grouped) for heading, grouped in groups.items() if grouped]


def cell_text(value: Any, row: Data, status: str) -> str:
    field: str = row["field"]
    if field.startswith("capabilities.") and value is False:
        return NOT_LISTED
    if row["unit"] is not None and value is not None:
        return WITHOUT_AMOUNT.get(value) or amount(value)
    return field_value(value, field, status)
