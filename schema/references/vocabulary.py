"""The words in front of ids: which of them name a provider, and which a maker."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from schema.enums import ProviderKind
from schema.references import prefixes
from schema.references.ids import VENDOR, NormalizedId, normalize_id, normalize_word
from schema.tables import PrefixKind

FAMILY = re.compile(r"[a-zA-Z]{2}")
"""How the name of a family begins. Bedrock leaves it out where it is the vendor's: deepseek.r1."""


class PrefixRow(NamedTuple):
    """A row of the table `prefix`."""

    text: str
    kind: PrefixKind
    maker: str = ""


class ModelNames(NamedTuple):
    """The columns of a model that the reference index is built from."""

    id: int
    ref: str
    provider_slug: str
    slug: str
    name: str
    canonical: str | None


class VendorSplit(NamedTuple):
    """An id as Bedrock writes it: us.anthropic.claude-opus-4-1."""

    region: str
    vendor: str
    name: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words in front of ids, all of them or those that some references need."""

    providers: Mapping[str, ProviderKind]
    makers: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """Word before the last slash of some id, or a maker itself -> the makers it stands for."""
    paths: frozenset[str] = frozenset()
    """Every word before some slash in some id."""
    served: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """Lab -> the makers whose models it serves."""

    @classmethod
    def read(cls, providers: Mapping[str, ProviderKind], rows: Iterable[PrefixRow]) -> "Vocabulary":
        found: dict[PrefixKind, dict[str, set[str]]] = {kind: defaultdict(set) for kind in PrefixKind}
        for row in rows:
            found[row.kind][row.text].add(row.maker)
        makers, served = (
            {word: frozenset(makers) for word, makers in found[kind].items()}
            for kind in (PrefixKind.MAKER, PrefixKind.SERVES)
        )
        return cls(providers, makers, frozenset(found[PrefixKind.PATH]), served)

    def providers_named(self, word: str) -> tuple[str, ...] | None:
        """The providers that a word in front of an id names, the likeliest first; None if it does not name any."""
        declared = prefixes.PROVIDERS.get(word)
        if word not in self.providers and declared is None:
            return None
        return tuple(slug for slug in dict.fromkeys((word, *(declared or ()))) if slug in self.providers)

    def knows(self, word: str) -> bool:
        return word in prefixes.CARRIERS or word in self.makers or self.providers_named(word) is not None

    def split_vendor(self, name: str) -> VendorSplit | None:
        found = split_vendor(name)
        return found if found and found.vendor in self.makers else None

    def normalize_id(self, name: str, providers: Iterable[str], *, dotted: bool = False) -> NormalizedId:
        """Normalizes an id of some providers. A reseller may write its own name in front; a lab's is the model's."""
        resellers = [slug for slug in providers if self.providers[slug] is not ProviderKind.LAB]
        return normalize_id(name, resellers, dotted=dotted)


def split_vendor(name: str) -> VendorSplit | None:
    """Splits an id as Bedrock writes it, whoever the vendor may be."""
    found = VENDOR.match(name.lower())
    if not found:
        return None
    region, vendor, rest = found[1] or "", found[2], name[found.end() :]
    return VendorSplit(region, vendor, rest if FAMILY.match(rest) else f"{vendor}-{rest}")


def prefix_rows(models: Iterable[ModelNames], providers: Mapping[str, ProviderKind]) -> set[PrefixRow]:
    """The words in front of ids that all models together make known."""
    rows: set[PrefixRow] = set()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for model in sorted(models, key=lambda model: model.ref):
        maker = maker_of(model.ref, model.canonical)
        counts[model.provider_slug][maker] += 1
        rows.add(PrefixRow(maker, PrefixKind.MAKER, maker))
        words = [normalize_word(part).removeprefix("hf:") for part in model.slug.split("/")[:-1]]
        rows.update(PrefixRow(word, PrefixKind.PATH) for word in words)
        if named := [word for word in words if word not in prefixes.PATHS]:
            rows.add(PrefixRow(named[-1], PrefixKind.MAKER, maker))
    for provider, makers in counts.items():
        if providers[provider] is ProviderKind.LAB:
            rows.update(PrefixRow(provider, PrefixKind.SERVES, maker) for maker in makers)
            own = provider if provider in makers else makers.most_common(1)[0][0]
            rows.add(PrefixRow(provider, PrefixKind.OWN, own))
    return rows


def maker_of(ref: str, canonical: str | None) -> str:
    """The maker of a model; its provider, if the model has no canonical model."""
    return (canonical or ref).partition("/")[0]
