"""Which names mean the same model: dated versions at one provider, and one identity across providers."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date

from schema.vocabulary import ProviderKind
from seeds.catalogue import ModelKey
from seeds.policy import policy

DATE_SUFFIX = re.compile(
    r"[-@](?P<date>20\d\d-[01]\d-[0-3]\d|20\d\d[01]\d[0-3]\d)$"  # -2025-04-14, -20250414, @20250414
)
PREFIXES: Mapping[str, str] = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google": "google",
    "mistralai": "mistral",
    "mistral": "mistral",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "deepseek-ai": "deepseek",
    "x-ai": "xai",
    "xai": "xai",
    "qwen": "alibaba",
    "alibaba": "alibaba",
    "moonshotai": "moonshotai",
    "z-ai": "zai",
    "zai": "zai",
    "zai-org": "zai",
    "thudm": "zai",
    "minimax": "minimax",
    "minimaxai": "minimax",
    "meta-llama": "llama",
    "meta": "llama",
    "perplexity": "perplexity",
    "amazon": "nova",
    "nvidia": "nvidia",
    "upstage": "upstage",
    "stepfun": "stepfun",
    "stepfun-ai": "stepfun",
    "inception": "inception",
    "xiaomi": "xiaomi",
    "xiaomimimo": "xiaomi",
    "tencent": "tencent",
    "ai21": "ai21",
    "microsoft": "microsoft",
}
"""What gateways and hubs write before a slash -> the maker's slug here."""


def dated(slug: str) -> tuple[str, date] | None:
    """The undated slug and the day, when a slug ends in a date that exists."""
    found = DATE_SUFFIX.search(slug)
    if not found:
        return None
    digits = found["date"].replace("-", "")
    try:
        return slug[: found.start()], date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def versions(keys: Iterable[ModelKey], declared: Mapping[ModelKey, str]) -> dict[ModelKey, tuple[str, bool]]:
    """Key -> (undated slug, whether it is the latest), for models that are versions of one another."""
    groups: dict[ModelKey, dict[ModelKey, date | None]] = defaultdict(dict)
    known = set(keys)
    for key in known:
        provider, slug = key
        found = dated(slug)
        base = declared.get(key) or (found[0] if found else slug)
        groups[provider, base][key] = found[1] if found else None
    answer: dict[ModelKey, tuple[str, bool]] = {}
    for (_, base), members in groups.items():
        if len(members) == 1:
            continue
        newest = max((day for day in members.values() if day), default=None)
        for key, day in members.items():
            answer[key] = base, day is None or day == newest
    return answer


def canonicals(keys: Iterable[ModelKey], declared: Mapping[ModelKey, str]) -> dict[ModelKey, str]:
    """Key -> maker/model. A model nobody can place keeps an identity of its own: no join beats a wrong one."""
    known = sorted(keys)
    # A lab that also sells others' models declares whose they are; those are not of its making.
    by_maker = {
        (key[0], key[1].lower())
        for key in known
        if policy(key[0]).kind is ProviderKind.LAB and declared.get(key, key[0]).partition("/")[0] == key[0]
    }
    makers: dict[str, set[str]] = defaultdict(set)
    for provider, slug in by_maker:
        makers[slug].add(provider)
    answer: dict[ModelKey, str] = {}
    for key in known:
        provider, slug = key
        lower = slug.lower()
        prefix, _, rest = lower.rpartition("/")
        maker = PREFIXES.get(prefix.rpartition("/")[2]) if prefix else None
        if key in declared:
            answer[key] = declared[key]
        elif policy(provider).kind is ProviderKind.LAB and not prefix:
            answer[key] = f"{provider}/{lower}"
        elif maker and (maker, rest) in by_maker:
            answer[key] = f"{maker}/{rest}"
        elif not prefix and len(makers[lower]) == 1:
            answer[key] = f"{next(iter(makers[lower]))}/{lower}"
        elif maker:
            answer[key] = f"{maker}/{rest}"
        else:
            answer[key] = f"{provider}/{lower}"
    return answer
