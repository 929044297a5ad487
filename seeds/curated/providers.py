"""The declared table of providers: what kind each is, and what a price of zero means there."""

import tomllib
from enum import Enum
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from schema.enums import PricePublication, ProviderKind


class Zeros(Enum):
    """What an upstream 0 stands for. Named as the publication state it leads to."""

    FREE = "FREE"
    INCLUDED = "INCLUDED"
    NOT_PUBLISHED = "NOT_PUBLISHED"


class ProviderPolicy(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: ProviderKind
    name: str | None = None
    website_url: str | None = None
    zeros: Zeros = Zeros.NOT_PUBLISHED
    zeros_reason: str | None = None
    free_models: tuple[str, ...] = ()
    genai_slug: str | None = None

    def zero(self, slug: str) -> PricePublication:
        """What a zero means for one model of this provider."""
        if any(fnmatchcase(slug.lower(), pattern.lower()) for pattern in self.free_models):
            return PricePublication.FREE
        return PricePublication[self.zeros.name]


UNKNOWN = ProviderPolicy(kind=ProviderKind.GATEWAY)
"""For a provider the table does not list yet: its zeros are not believed. The refresh reports it."""


@cache
def policies() -> dict[str, ProviderPolicy]:
    """Provider slug -> policy."""
    text = (files("seeds") / "curated" / "_providers.toml").read_text(encoding="utf-8")
    return {slug: ProviderPolicy.model_validate(entry) for slug, entry in tomllib.loads(text)["providers"].items()}


def policy(slug: str) -> ProviderPolicy:
    return policies().get(slug, UNKNOWN)


@cache
def slugs_by_genai() -> dict[str, str]:
    """genai-prices' name of a provider -> ours."""
    return {entry.genai_slug: slug for slug, entry in policies().items() if entry.genai_slug}
