"""Which ids mean the same model: dated versions at one provider, and one identity across providers.

Only spelling is evened out (see `spelling`). Ids that differ in a size, a version, a date or a word stay apart, unless
`curated/_identity.toml` or a curated model says for a stated reason that they are one.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache

from schema.enums import ProviderKind
from schema.references import ids
from schema.references.ids import Form
from seeds.catalogue import ModelKey
from seeds.curated.providers import policy
from seeds.merge import spelling
from seeds.merge.spelling import Reading, declared, house

Identity = tuple[str, Form]
"""(maker, form)."""

DATE_SUFFIX = re.compile(
    r"[-@](?P<date>20\d\d-[01]\d-[0-3]\d|20\d\d[01]\d[0-3]\d)$"  # -2025-04-14, -20250414, @20250414
)
VERSION_SUFFIX = re.compile(
    r"""[-@](?:
        (?P<day>20\d\d-?[01]\d-?[0-3]\d)      # -2025-04-14, -20250414, @20250414
      | (?P<month>[01]\d-20\d\d)              # -08-2024, Cohere's and some of Google's
      | (?P<digits>[01]\d-[0-3]\d|\d{4})      # -05-20, -0309 or -2411, as the maker means it
      | (?P<number>00\d)                      # -001, Google's
    )(?=(?:-preview)?(?::|$))""",
    re.VERBOSE,
)


def dated(slug: str) -> tuple[str, date] | None:
    """The undated slug and the day, when a slug ends in a date that exists."""
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
    """The slug without its version and what orders it, as the maker numbers its snapshots."""
    found = VERSION_SUFFIX.search(slug)
    if not found:
        return None
    entry = declared().makers.get(maker)
    day = None
    if found["day"]:
        day = _day(found["day"].replace("-", ""))
    elif found["month"]:
        day = _day(found["month"][3:] + found["month"][:2] + "01")
    elif found["number"]:
        day = date.min.replace(day=int(found["number"]) + 1) if maker == "google" else None
    elif entry and entry.digits:
        digits = found["digits"].replace("-", "")
        if entry.digits == "YYMM" and "-" not in found["digits"]:
            day = _day(f"20{digits}01")
        else:
            # A day the table does not list is taken for newer than those it does: the table is written afterwards.
            day = _day(entry.days.get(digits, "").replace("-", "")) or _day(f"9999{digits}")
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
        # An undated id that is known to mean one snapshot is as old as that.
        found = found or snapshot(model, maker)
        groups[provider, base][key] = found[1] if found else None
    for (provider, base), members in list(groups.items()):
        # An alias that moves is the undated row of the snapshots it moves over, and no version of anything else.
        alias = (provider, f"{base}-latest")
        if alias in known and base != alias[1] and any(members.values()) and len(groups[alias]) == 1:
            members |= groups.pop(alias)
    answer: dict[ModelKey, tuple[str, bool]] = {}
    for (provider, base), members in groups.items():
        if len(members) == 1:
            continue
        undated = base if (provider, base) in known or (provider, f"{base}-latest") not in members else f"{base}-latest"
        newest = max((day for day in members.values() if day), default=None)
        for key, day in members.items():
            answer[key] = undated, day is None or day == newest
    return answer


def canonicals(keys: Iterable[ModelKey], chosen: Mapping[ModelKey, str]) -> dict[ModelKey, str]:
    """Key -> maker/model, where `chosen` says it of some. A model nobody can place keeps an identity of its own."""
    readings = {key: spelling.read(key[1], key[0]) for key in sorted(keys)}
    placed: dict[ModelKey, tuple[Identity, str]] = {}
    makers: dict[Form, set[str]] = defaultdict(set)
    for key, reading in readings.items():
        seller = declared().sellers.get(key[0])
        stated = chosen[key].partition("/") if key in chosen else None
        maker = stated[0] if stated else _stated_maker(key[0], reading)
        name = stated[2] if stated else reading.name
        if maker and any(reading.form[:2]) and not (seller and seller.apart):
            placed[key] = (maker, _form(maker, name)), name
            makers[placed[key][0][1]].add(maker)
    evidence = {_same().get(identity, identity) for identity, _ in placed.values()}
    for key, reading in readings.items():
        seller = declared().sellers.get(key[0])
        if key not in placed and not (seller and seller.apart):
            family = _family(reading)
            form = _form(family or "", reading.name)
            maker = _shown_maker(family, reading, form, makers, evidence)
            if maker:
                placed[key] = (maker, form), reading.name
    joined = _join_snapshots(
        {
            key: _same().get(identity, identity)
            for key, (identity, _) in placed.items()
            if identity not in _moving() or _maker_by_store().get(key[0], key[0]) == identity[0]
        }
    )
    names: dict[Identity, list[tuple[bool, bool, bool, bool, int, str]]] = defaultdict(list)
    for key, identity in joined.items():
        name = placed[key][1]
        form = ids.form(name)
        # Named as its maker does, undated where that is the same, as shortly as possible.
        rank = key[0] != identity[0], bool(form.day), "latest" in form.words, "." not in name, len(name), name
        names[identity].append(rank)
    spoken = {identity: f"{identity[0]}/{min(each)[-1]}" for identity, each in names.items()} | _chosen_names()
    return {key: spoken[joined[key]] if key in joined else f"{key[0]}/{key[1].lower()}" for key in readings}


def _join_snapshots(placed: Mapping[ModelKey, Identity]) -> dict[ModelKey, Identity]:
    """Makes an undated id and its only snapshot one, for makers who date every id."""
    days: dict[Identity, set[str]] = defaultdict(set)
    undated: dict[Identity, Identity] = {}
    for maker, form in placed.values():
        entry = declared().makers.get(maker)
        if entry and entry.one_snapshot and form.numbers:
            words = tuple(word for word in form.words if word != "latest")
            undated[maker, form] = maker, Form(form.numbers, words)
            if form.day:
                days[undated[maker, form]].add(form.day)
    return {
        key: identity
        if identity not in undated or (identity[1].day and len(days[undated[identity]]) > 1)
        else undated[identity]
        for key, identity in placed.items()
    }


@cache
def _same() -> dict[Identity, Identity]:
    """Identity -> the one it is declared to be."""
    answer: dict[Identity, Identity] = {}
    for entry in declared().same:
        maker, _, slug = entry.of.partition("/")
        answer |= {(maker, _form(maker, text)): (maker, _form(maker, slug)) for text in entry.spellings}
    return answer


@cache
def _chosen_names() -> dict[Identity, str]:
    """Identity -> how it is written, where it was declared."""
    pairs = (entry.of.partition("/") for entry in declared().same)
    return {(maker, _form(maker, name)): f"{maker}/{name}" for maker, _, name in pairs}


def _form(maker: str, name: str) -> Form:
    for ending in declared().makers[maker].endings if maker in declared().makers else ():
        name = name.removesuffix(ending)
    return ids.form(name)


@cache
def _maker_by_store() -> dict[str, str]:
    return {store: slug for slug, maker in declared().makers.items() for store in maker.stores}


@cache
def _ordinary(maker: str) -> frozenset[str]:
    """The words that make nothing a stranger of one maker's models."""
    entry = declared().makers[maker]
    return frozenset((*declared().ordinary, *entry.families, *entry.marks))


@cache
def _moving() -> frozenset[Identity]:
    pairs = (each.partition("/") for each in declared().moving)
    return frozenset((maker, ids.form(name)) for maker, _, name in pairs)


def _family(reading: Reading) -> str | None:
    """The maker an id shows by a word of its own."""
    marked = (spelling.makers_by_mark().get(word) for word in reading.form.words)
    return next(filter(None, marked), None) or spelling.makers_by_word().get(reading.first)


def _stated_maker(provider: str, reading: Reading) -> str | None:
    """The maker an id states: by its prefix, or by standing in the maker's own shop."""
    family = _family(reading)
    if reading.prefix:
        maker = spelling.makers_by_prefix().get(reading.prefix, reading.prefix)
    elif policy(provider).kind is ProviderKind.LAB:
        maker = _maker_by_store().get(provider, provider)
        if family and house(family) != house(maker):
            return None
    else:
        return None
    return family if family and house(family) == house(maker) else maker


def _shown_maker(
    family: str | None,
    reading: Reading,
    form: Form,
    makers: Mapping[Form, set[str]],
    evidence: set[Identity],
) -> str | None:
    """The maker of an id that states none: its family's, when nothing in it is strange, or the only one who has it."""
    if family:
        identity = family, form
        if _same().get(identity, identity) in evidence or _ordinary(family).issuperset(form.words):
            return family
    known = makers.get(form, set())
    specific = len(form.numbers) + len(form.words) > 1
    return next(iter(known)) if len(known) == 1 and specific else None
