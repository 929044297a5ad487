"""How a reference was resolved: the model it means, and other candidates."""

import strawberry

from schema.dataloaders import itself
from schema.declarations import column, edge
from schema.enums import ResolutionKind
from schema.references.suggest import MOST, candidates
from schema.types.model import Model


@strawberry.type(description="A model that a reference may mean.")
class ModelCandidate:
    model: Model = column("The model.")
    score: float = column(
        "How well the reference fits, from 0 to 1: 1 is the match itself; 0.9 fits as well, but another listing was "
        "preferred; 0.8 is another version of the match; 0.7 or less is similar spelling, by the share of characters "
        "that agree."
    )


@strawberry.type(description="How a reference was resolved.")
class ModelResolution:
    model: Model | None = column("The model the reference means; null if matched is NONE.")
    matched: ResolutionKind = column("How the reference was matched.")
    candidates = edge(
        list[ModelCandidate],
        candidates,
        by=itself,
        largest=MOST,
        description="What the reference may mean, best first, at most ten: the match, the same model at other "
        "providers and its other versions. Without a match, models that fit equally well or have similar names.",
    )
