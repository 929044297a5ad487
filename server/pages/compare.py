"""Models side by side, and the way to choose them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from schema.types.comparison import FEWEST, MOST
from server.pages import addresses
from server.pages.filters import UNKNOWN, WITHOUT_AMOUNT, amount, told
from server.pages.listing import LONGEST
from server.pages.problems import words
from server.pages.site import ProblemError, Site

GROUPS = (
    ("price", "Prices"),
    ("capabilities.", "Capabilities"),
    ("parameters.", "Parameters"),
    ("", "At a glance"),
)
"""Beginnings of fields, and the heading their rows stand under."""


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    known: bool
    best: bool


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    unit: str | None
    differs: bool
    cells: Sequence[Cell]


async def compare(site: Site, request: Request) -> Response:
    asked = request.query_params
    refs = list(
        dict.fromkeys(ref.strip() for each in asked.getlist("models") for ref in each.split(",") if ref.strip())
    )
    only = asked.get("only") == "differences"
    search = " ".join(asked.get("add", "").replace("\x00", " ").split())[:LONGEST]
    trouble: ProblemError | None = None
    if FEWEST <= len(refs) <= MOST and not search:
        try:
            variables = {"refs": refs} | ({"onlyDifferences": True} if only else {})
            answer = await site.ask("compare", variables)
            found = answer.data["compare"]
            return site.page(
                request,
                "compare.html",
                answer,
                only=only,
                groups=grouped(found["rows"]),
                models=[
                    each | {"without": link(refs, leave=ref)} for ref, each in zip(refs, found["models"], strict=True)
                ],
                turned=link(refs, only="" if only else "differences"),
                refs=refs,
                most=MOST,
            )
        except ProblemError as problem:
            if problem.status != 400:
                raise
            trouble = problem
            # What can't be found is looked for.
            search = next((words(ref) for ref in refs if f'"{ref}"' in trouble.text), "")
    elif len(refs) > MOST:
        trouble = ProblemError(400, "", f"{len(refs)} models are too many: {FEWEST} to {MOST} fit side by side.")
    answer = await site.ask("picker", {"search": search} if search else {})
    return site.page(
        request,
        "picker.html",
        answer,
        400 if trouble else 200,
        trouble=without_api(trouble.text) if trouble else None,
        search=search,
        refs=refs,
        chosen=[(ref[:100], link(refs, leave=ref)) for ref in refs[: 2 * MOST]],
        candidates=[each | {"with": link([*refs, each["ref"]])} for each in answer.data["models"]["nodes"]],
        ready=link(refs) if FEWEST <= len(refs) <= MOST and not trouble else None,
        most=MOST,
    )


def without_api(text: str) -> str:
    """A message of the graph without the advice that is for those who ask it."""
    return " ".join(each for each in re.split(r"(?<=[.;]) ", text) if "resolveModel" not in each).rstrip(";")


def link(refs: Sequence[str], leave: str | None = None, only: str = "") -> str:
    return "compare" + addresses.asked({"models": [ref for ref in refs if ref != leave], "only": only})


def grouped(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Row]]]:
    """The rows under their headings, what a model is before what it can do."""
    found: dict[str, list[Row]] = {"At a glance": []}
    for each in rows:
        heading = next(heading for start, heading in GROUPS if each["field"].startswith(start))
        unit = each["unit"] if each["field"].startswith("price.") else None
        cells = [cell(value, each, place) for place, value in enumerate(each["values"])]
        found.setdefault(heading, []).append(Row(each["label"], unit, each["differs"], cells))
    return [(heading, some) for heading, some in found.items() if some]


def cell(value: Any, row: Mapping[str, Any], place: int) -> Cell:
    text = worded(value, row)
    return Cell(text, text not in (UNKNOWN, "Not listed"), place in row["best"])


def worded(value: Any, row: Mapping[str, Any]) -> str:
    """A value of a comparison, as its cell reads."""
    name: str = row["field"]
    if value is None or value == []:
        return UNKNOWN
    if name.startswith("capabilities."):
        return "Yes" if value else "Not listed"
    if row["unit"] is not None:
        return WITHOUT_AMOUNT.get(value) or amount(value)
    return told(value, name)
