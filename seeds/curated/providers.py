"""The providers that `_providers.toml` declares: the kind of each, and what a price of zero means there."""

from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache

from pydantic import BaseModel

from schema.enums import Meter, PricePublication, ProviderKind
from seeds.catalogue import RateClaim
from seeds.curated.loader import declared_in


class ProviderPolicy(BaseModel, extra="forbid", frozen=True):
    kind: ProviderKind
    name: str | None = None
    website_url: str | None = None
    zeros: PricePublication = PricePublication.NOT_PUBLISHED
    """What a price of 0 means upstream: FREE, INCLUDED or NOT_PUBLISHED."""
    zeros_reason: str | None = None
    free_models: tuple[str, ...] = ()
    genai_slug: str | None = None

    def zero(self, slug: str) -> PricePublication:
        """What a zero means for one model of this provider."""
        if any(fnmatchcase(slug.lower(), pattern.lower()) for pattern in self.free_models):
            return PricePublication.FREE
        return self.zeros

    def zero_rates(self, slug: str) -> list[RateClaim]:
        """The rates of a model whose prices are all zero: none if a zero only means "unknown"."""
        publication = self.zero(slug)
        if publication is PricePublication.NOT_PUBLISHED:
            return []
        amount = Decimal(0) if publication is PricePublication.FREE else None
        return [RateClaim(meter, amount, publication=publication) for meter in (Meter.INPUT, Meter.OUTPUT)]


UNKNOWN = ProviderPolicy(kind=ProviderKind.GATEWAY)
"""For a provider that is not declared yet: its zeros are ignored. The refresh reports it."""


@cache
def policies() -> dict[str, ProviderPolicy]:
    """Provider slug -> policy."""
    providers = declared_in("_providers.toml")["providers"]
    return {slug: ProviderPolicy.model_validate(entry) for slug, entry in providers.items()}


def policy(slug: str) -> ProviderPolicy:
    return policies().get(slug, UNKNOWN)


@cache
def slugs_by_genai() -> dict[str, str]:
    """Slug of a provider in genai-prices -> slug here."""
    return {entry.genai_slug: slug for slug, entry in policies().items() if entry.genai_slug}
