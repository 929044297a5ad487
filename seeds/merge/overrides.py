"""Decisions declared in `curated/_decisions.toml`: which source is right where sources disagree, and why."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache
from typing import TypeVar

from pydantic import BaseModel, Field

from seeds.curated.loader import declared_in

T = TypeVar("T")


class Decision(BaseModel, extra="forbid", frozen=True):
    field: str
    """The fact, as the graph spells it; also covers the facts below it."""
    models: tuple[str, ...] = Field(min_length=1)
    """Patterns for references."""
    believe: str
    """The source that is right."""
    over: tuple[str, ...] | None = None
    """Applies only if one of these sources states the fact; by default any."""
    reason: str = Field(min_length=20)

    def matches(self, ref: str, field: str) -> bool:
        covered = field == self.field or field.startswith(f"{self.field}.")
        return covered and any(fnmatchcase(ref, pattern) for pattern in self.models)


@cache
def decisions() -> tuple[Decision, ...]:
    return tuple(Decision.model_validate(entry) for entry in declared_in("_decisions.toml")["decisions"])


def decide(ref: str, field: str, stated: Sequence[tuple[str, T]]) -> tuple[Sequence[tuple[str, T]], str | None]:
    """(source, value) pairs with the right source first, and the reason. The operator's overlay always comes first."""
    sources = [source for source, _ in stated]
    if len(stated) < 2 or sources[0] == "overlay":
        return stated, None
    for decision in decisions():
        if decision.believe not in sources or not decision.matches(ref, field):
            continue
        if decision.over is not None and not any(source in decision.over for source in sources):
            continue
        if sources[0] == "curated" and decision.believe != "curated":
            return stated, None  # an entry about the model overrides a decision about a class of models
        first = [pair for pair in stated if pair[0] == decision.believe]
        return [*first, *(pair for pair in stated if pair[0] != decision.believe)], decision.reason
    return stated, None
