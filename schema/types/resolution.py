"""How a reference was read: the model it means, and what else it may mean."""

from dataclasses import dataclass
from typing import Any

import strawberry
from strawberry import Parent

from schema import tables
from schema.context import Info
from schema.enums import ResolutionKind
from schema.references.resolve import Resolution
from schema.references.suggest import candidates
from schema.types.model import Model


@dataclass(frozen=True, slots=True)
class Candidate:
    model: tables.Model
    score: float


@strawberry.type(description="A model that a reference may mean.")
class ModelCandidate:
    @strawberry.field(graphql_type=Model, description="The model.")
    @staticmethod
    def model(candidate: Parent[Candidate]) -> Any:
        return candidate.model

    @strawberry.field(
        description="How well the reference fits, from 0 to 1: 1 is the match; 0.9 fits too, but another listing fits "
        "as well or better; 0.8 is another version of the match; 0.7 and less only looks alike, by the share of "
        "characters that agree."
    )
    @staticmethod
    def score(candidate: Parent[Candidate]) -> float:
        return candidate.score


@strawberry.type(description="How a reference was read.")
class ModelResolution:
    @strawberry.field(graphql_type=Model | None, description="The model it means; null when matched is NONE.")
    @staticmethod
    def model(resolution: Parent[Resolution]) -> Any:
        return resolution.model

    @strawberry.field(description="How the reference was matched.")
    @staticmethod
    def matched(resolution: Parent[Resolution]) -> ResolutionKind:
        return resolution.matched

    @strawberry.field(
        graphql_type=list[ModelCandidate],
        description="What the reference may mean, best first, ten at most: the match, the same model at other "
        "providers and its other versions. Where nothing matches, models that fit alike, or near misses of spelling.",
    )
    @staticmethod
    async def candidates(resolution: Parent[Resolution], info: Info) -> Any:
        return [Candidate(model, score) for model, score in await candidates(info.context, resolution)]
