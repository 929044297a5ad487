"""Which ids mean the same model: dated versions at one provider, and one identity across providers.

Only spelling is normalized (see `schema.references.ids`). Ids that differ in a size, a version, a date or a word stay
apart, unless `curated/_identity.toml` or a curated model states a reason why they are one.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from typing import NamedTuple

from schema.enums import ProviderKind
from schema.references.ids import Form
from seeds.catalogue import ModelKey
from seeds.curated.providers import policy
from seeds.merge import makers
from seeds.merge.makers import Reading, company, declared, form

Identity = tuple[str, Form]
"""(maker, form)."""


class Placed(NamedTuple):
    """A model whose maker is known."""

    identity: Identity
    name: str
    """How the provider writes it, without prefix and routing."""
    form: Form
    """The form of that name."""


DATE_SUFFIX = re.compile(
    r"[-@](?P<date>20\d\d-[01]\d-[0-3]\d|20\d\d[01]\d[0-3]\d)$"  # -2025-04-14, -20250414, @20250414
)
VERSION_SUFFIX = re.compile(
    r"""[-@](?:
        (?P<day>20\d\d-?[01]\d-?[0-3]\d)      # -2025-04-14, -20250414, @20250414
      | (?P<month>[01]\d-20\d\d)              # -08-2024, Cohere's and some of Google's
      | (?P<digits>[01]\d-[0-3]\d|\d{4})      # -05-20, -0309 or -2411, a month and day or a year and month
      | (?P<number>00\d)                      # -001, Google's
    )(?=(?:-preview)?(?::|$))""",
    re.VERBOSE,
)


def dated(slug: str) -> tuple[str, date] | None:
    """The undated slug and the day, if a slug ends in a date that exists."""
    found = DATE_SUFFIX.search(slug)
    if not found:
        return None
    day = _day(found["date"].replace("-", ""))
    return (slug[: found.start()], day) if day else None


def _day(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def snapshot(slug: str, maker: str) -> tuple[str, date] | None:
    """The slug without its version, and a day to order versions by; the format depends on the maker."""
    found = VERSION_SUFFIX.search(slug)
    if not found:
        return None
    declared_maker = declared().makers.get(maker)
    day = None
    if found["day"]:
        day = _day(found["day"].replace("-", ""))
    elif found["month"]:
        day = _day(found["month"][3:] + found["month"][:2] + "01")
    elif found["number"]:
        day = date.min.replace(day=int(found["number"]) + 1) if maker == "google" else None
    elif declared_maker and declared_maker.digits:
        digits = found["digits"].replace("-", "")
        if declared_maker.digits == "YYMM" and "-" not in found["digits"]:
            day = _day(f"20{digits}01")
        else:
            # A day missing from the table is newer than those in it, because the table is written afterwards.
            day = _day(declared_maker.days.get(digits, "").replace("-", "")) or _day(f"9999{digits}")
    return (slug[: found.start()] + slug[found.end() :], day) if day else None


def versions(
    keys: Iterable[ModelKey], chosen: Mapping[ModelKey, str], canonicals: Mapping[ModelKey, str]
) -> dict[ModelKey, tuple[str, bool]]:
    """Key -> (undated slug, whether it is the latest), for models that are versions of one another."""
    known = set(keys)
    groups: dict[ModelKey, dict[ModelKey, date | None]] = defaultdict(dict)
    for key in known:
        provider, slug = key
        maker, _, model = canonicals[key].partition("/")
        found = snapshot(slug, maker)
        base = chosen.get(key) or (found[0] if found else slug)
        # An undated id that is known to mean one snapshot has that snapshot's day.
        found = found or snapshot(model, maker)
        groups[provider, base][key] = found[1] if found else None
    for (provider, base), members in list(groups.items()):
        # A moving alias is the undated model of the snapshots it points to in turn, not a version of anything else.
        alias = (provider, f"{base}-latest")
        if alias in known and base != alias[1] and any(members.values()) and len(groups[alias]) == 1:
            members |= groups.pop(alias)
    found_versions: dict[ModelKey, tuple[str, bool]] = {}
    for (provider, base), members in groups.items():
        if len(members) == 1:
            continue
        undated = base if (provider, base) in known or (provider, f"{base}-latest") not in members else f"{base}-latest"
        newest = max((day for day in members.values() if day), default=None)
        for key, day in members.items():
            found_versions[key] = undated, day is None or day == newest
    return found_versions


def canonicals(keys: Iterable[ModelKey], chosen: Mapping[ModelKey, str]) -> dict[ModelKey, str]:
    """Key -> maker/model, where `chosen` states it of some. A model without a known maker keeps its own identity."""
    readings = {key: makers.read(key[1], key[0]) for key in sorted(keys)}
    placed = _place(readings, chosen)
    joined = _join_snapshots(
        {
            key: _same().get(identity, identity)
            for key, (identity, _, _) in placed.items()
            if identity not in _moving() or makers.makers_by_provider().get(key[0], key[0]) == identity[0]
        }
    )
    names: dict[Identity, list[tuple[bool, bool, bool, bool, int, str]]] = defaultdict(list)
    for key, identity in joined.items():
        _, name, named = placed[key]
        # Named as its maker does, undated where that is the same, as short as possible:
        # openai's gpt-4.1 -> (False, False, False, False, 7, "gpt-4.1")
        # azure's gpt-4-1-2025-04-14 -> (True, True, False, True, 18, "gpt-4-1-2025-04-14")
        rank = key[0] != identity[0], bool(named.day), "latest" in named.words, "." not in name, len(name), name
        names[identity].append(rank)
    written = {identity: f"{identity[0]}/{min(ranked)[-1]}" for identity, ranked in names.items()} | _chosen_names()
    return {key: written[joined[key]] if key in joined else f"{key[0]}/{key[1].lower()}" for key in readings}


def _place(readings: Mapping[ModelKey, Reading], chosen: Mapping[ModelKey, str]) -> dict[ModelKey, Placed]:
    """The models whose maker is known: first those whose id names it, then those whose words imply it."""
    placed: dict[ModelKey, Placed] = {}
    makers_by_form: dict[Form, set[str]] = defaultdict(set)
    open_keys = [key for key in readings if not _apart(key[0])]
    for key in open_keys:
        reading = readings[key]
        stated = chosen[key].partition("/") if key in chosen else None
        maker = stated[0] if stated else _stated_maker(key[0], reading)
        name, named = (stated[2], form(stated[2])) if stated else (reading.name, reading.form)
        if maker and reading.form.size:
            placed[key] = Placed((maker, _form(maker, name, named)), name, named)
            makers_by_form[placed[key].identity[1]].add(maker)
    evidence = {_same().get(identity, identity) for identity, _, _ in placed.values()}
    for key in open_keys:
        if key not in placed:
            reading = readings[key]
            family = _family(reading)
            normalized = _form(family or "", reading.name, reading.form)
            if maker := _shown_maker(family, normalized, makers_by_form, evidence):
                placed[key] = Placed((maker, normalized), reading.name, reading.form)
    return placed


def _apart(provider: str) -> bool:
    additions = declared().providers.get(provider)
    return additions is not None and additions.apart


def _join_snapshots(placed: Mapping[ModelKey, Identity]) -> dict[ModelKey, Identity]:
    """Joins an undated id and its only snapshot, for makers who date every id."""
    days: dict[Identity, set[str]] = defaultdict(set)
    undated: dict[Identity, Identity] = {}
    for maker, dated_form in placed.values():
        declared_maker = declared().makers.get(maker)
        if declared_maker and declared_maker.one_snapshot and dated_form.numbers:
            undated[maker, dated_form] = maker, dated_form.settled
            if dated_form.day:
                days[maker, dated_form.settled].add(dated_form.day)
    return {
        key: identity
        if identity not in undated or (identity[1].day and len(days[undated[identity]]) > 1)
        else undated[identity]
        for key, identity in placed.items()
    }


@cache
def _same() -> dict[Identity, Identity]:
    """Identity -> the one it is declared to be."""
    found: dict[Identity, Identity] = {}
    for entry in declared().same:
        maker, _, slug = entry.of.partition("/")
        found |= {(maker, _form(maker, text)): (maker, _form(maker, slug)) for text in entry.spellings}
    return found


@cache
def _chosen_names() -> dict[Identity, str]:
    """Identity -> how it is written, if it was declared."""
    pairs = (entry.of.partition("/") for entry in declared().same)
    return {(maker, _form(maker, name)): f"{maker}/{name}" for maker, _, name in pairs}


def _form(maker: str, name: str, known: Form | None = None) -> Form:
    """The form of a maker's name. `known` is the form of the whole name, where it was computed before."""
    endings = declared().makers[maker].endings if maker in declared().makers else ()
    if not any(map(name.endswith, endings)):
        return known or form(name)
    for ending in endings:
        name = name.removesuffix(ending)
    return form(name)


@cache
def _ordinary(maker: str) -> frozenset[str]:
    """The words that any of the maker's models may carry."""
    entry = declared().makers[maker]
    return frozenset((*declared().ordinary, *entry.families, *entry.marks))


@cache
def _moving() -> frozenset[Identity]:
    pairs = (canonical.partition("/") for canonical in declared().moving)
    return frozenset((maker, form(name)) for maker, _, name in pairs)


def _family(reading: Reading) -> str | None:
    """The maker that a word in the id implies."""
    marked = (makers.makers_by_mark().get(word) for word in reading.form.words)
    return next(filter(None, marked), None) or makers.makers_by_word().get(reading.first)


def _stated_maker(provider: str, reading: Reading) -> str | None:
    """The maker that an id states: by its prefix, or because the maker itself lists it."""
    family = _family(reading)
    if reading.prefix:
        maker = makers.makers_by_prefix().get(reading.prefix, reading.prefix)
    elif policy(provider).kind is ProviderKind.LAB:
        maker = makers.makers_by_provider().get(provider, provider)
        if family and company(family) != company(maker):
            return None
    else:
        return None
    return family if family and company(family) == company(maker) else maker


def _shown_maker(
    family: str | None, normalized: Form, makers_by_form: Mapping[Form, set[str]], evidence: set[Identity]
) -> str | None:
    """The maker of an id that states none: its family's, if all its words are ordinary, or the only one who has it."""
    if family:
        identity = family, normalized
        if _same().get(identity, identity) in evidence or _ordinary(family).issuperset(normalized.words):
            return family
    known = makers_by_form.get(normalized, set())
    return next(iter(known)) if len(known) == 1 and normalized.size > 1 else None
