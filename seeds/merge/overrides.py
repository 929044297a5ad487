"""Declared decisions: which source is right where sources disagree, and why."""

import tomllib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Said = Sequence[tuple[str, Any]]
"""(source, value), the one believed first."""


class Decision(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    field: str
    """The fact, as the graph spells it; covers what lies below it."""
    models: tuple[str, ...] = Field(min_length=1)
    """Patterns over references."""
    believe: str
    """The source that is right."""
    over: tuple[str, ...] | None = None
    """Only where one of these would be believed otherwise, or differs; by default any."""
    reason: str = Field(min_length=20)

    def fits(self, ref: str, field: str) -> bool:
        covered = field == self.field or field.startswith(f"{self.field}.")
        return covered and any(fnmatchcase(ref, pattern) for pattern in self.models)


@cache
def decisions() -> tuple[Decision, ...]:
    text = (files("seeds") / "curated" / "_decisions.toml").read_text(encoding="utf-8")
    return tuple(Decision.model_validate(entry) for entry in tomllib.loads(text)["decisions"])


def decide(ref: str, field: str, said: Said) -> tuple[Said, str | None]:
    """The claims with the one that is right in front, and the reason. An operator's overlay is never overruled."""
    sources = [source for source, _ in said]
    if len(said) < 2 or sources[0] == "overlay":
        return said, None
    for decision in decisions():
        if decision.believe not in sources or not decision.fits(ref, field):
            continue
        if decision.over is not None and not any(source in decision.over for source in sources):
            continue
        if sources[0] == "curated" and decision.believe != "curated":
            return said, None  # an entry written for the model outweighs a decision about a class
        front = [pair for pair in said if pair[0] == decision.believe]
        return [*front, *(pair for pair in said if pair[0] != decision.believe)], decision.reason
    return said, None
