"""How values read on a page: 1,047,576 tokens, $0.40, 17 June 2025, and words where nothing is known."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from schema import enums
from schema.column_types import is_array, is_object
from schema.labels import label

UNKNOWN = "Not published"
WITHOUT_AMOUNT = {"FREE": "Free", "INCLUDED": "Included in the subscription", "NOT_PUBLISHED": UNKNOWN}
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def number(value: float | str) -> str:
    """A number with its thousands set apart."""
    return f"{Decimal(str(value)):,f}" if isinstance(value, (str, float)) else f"{value:,}"


def tokens(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,} {'token' if value == 1 else 'tokens'}"


def short(value: int | None) -> str:
    """A count of tokens in a few characters, for tables: 1.05M, 128K."""
    if value is None:
        return UNKNOWN
    if value < 1_000:
        return f"{value}"
    return f"{value / 1_000:.3g}K" if value < 999_500 else f"{value / 1_000_000:.3g}M"


def amount(value: str | None) -> str:
    """An amount in USD: cents at least, and as many digits more as it takes to tell rates apart."""
    if value is None:
        return UNKNOWN
    exact = Decimal(value)
    # Some sellers publish what a float makes of a price: 0.39999999999999997.
    if len(exact.as_tuple().digits) > 9:
        exact = Decimal(f"{exact:.6g}")
    digits = max(2, -int(exact.normalize().as_tuple().exponent))
    return f"${exact:,.{digits}f}"


def money(value: str | None) -> str:
    """A sum in USD for people: no more digits than matter."""
    if value is None:
        return UNKNOWN
    exact = Decimal(value)
    if exact == 0 or abs(exact) >= 1:
        return f"${exact:,.2f}"
    return amount(f"{Decimal(f'{exact:.4g}'):f}")


def priced(value: str | None, publication: str = "PUBLISHED") -> str:
    """A rate, or in words why there is no amount."""
    if publication != "PUBLISHED":
        return WITHOUT_AMOUNT[publication]
    return amount(value)


def day(value: str | None) -> str:
    """A date as people write it, as precise as it was published: 2025, June 2025, 17 June 2025."""
    if value is None:
        return UNKNOWN
    year, *rest = value[:10].split("-")
    words = [str(int(rest[1]))] if len(rest) > 1 else []
    return " ".join([*words, *([MONTHS[int(rest[0]) - 1]] if rest else []), year])


def date(value: str | None) -> str:
    """A date in a few characters, for tables: 17 Jun 2025."""
    return " ".join(word[:3] if word.isalpha() else word for word in day(value).split()) if value else UNKNOWN


def moment(value: str | None) -> str:
    if value is None:
        return "Never"
    found = datetime.fromisoformat(value)
    return f"{found.day} {MONTHS[found.month - 1]} {found.year}, {found:%H:%M} UTC"


def words(values: Sequence[str]) -> str:
    """Words of a closed set in a row: Text, image, PDF."""
    found = [label(value) for value in values]
    return ", ".join([*found[:1], *(each if each[:2].isupper() else each[:1].lower() + each[1:] for each in found[1:])])


def ranked(values: Sequence[str], closed_set: str) -> list[str]:
    """Words of a closed set in its own order, which begins with what matters most."""
    return sorted(values, key=list(getattr(enums, closed_set).__members__).index)


def reading(value: Any) -> str:
    """A literal of the API, as it is written in a request: strings bare, objects in JSON."""
    if isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def span(minimum: str | None, maximum: str | None) -> str:
    """A range in words; empty where neither end is known."""
    if minimum is None and maximum is None:
        return ""
    if maximum is None:
        return f"{number(minimum or '')} or more"
    if minimum is None:
        return f"up to {number(maximum)}"
    return f"{number(minimum)} to {number(maximum)}"


FIELDS = {
    "apiBaseUrl": "API address",
    "bestFor": "Best for",
    "docsUrl": "Documentation",
    "isFlagship": "Flagship",
    "isLatestVersion": "Latest version",
    "isRecommended": "Recommended",
    "knowledgeCutoff": "Knowledge cutoff",
    "knowledgeCutoffText": "Knowledge cutoff",
    "inputModalities": "Reads",
    "maxInputTokens": "Maximum input",
    "maxOutputTokens": "Maximum output",
    "outputModalities": "Writes",
    "parameterSize": "Size",
    "price.input": "Input price",
    "price.output": "Output price",
    "price.cacheRead": "Cached input price",
    "price.cacheWrite": "Cache write price",
    "price.publication": "Price",
    "releaseDate": "Released",
    "websiteUrl": "Website",
}
"""Fields whose heading is not their name in words."""
TOKENS = frozenset({"contextWindow", "maxInputTokens", "maxOutputTokens"})
DATES = frozenset({"releaseDate", "deprecationDate", "retirementDate", "knowledgeCutoff", "knowledgeCutoffText"})
WORDS = {
    "accessType": "AccessType",
    "capabilities": "Capability",
    "endpoints": "Endpoint",
    "inputModalities": "Modality",
    "kind": "ProviderKind",
    "outputModalities": "Modality",
    "price.publication": "PricePublication",
    "status": "ModelStatus",
    "useCases": "UseCase",
}
"""Fields that hold words of closed sets, and which."""


def heading(field: str) -> str:
    """The name of a field as people read it: "contextWindow" is "Context window"."""
    if field in FIELDS:
        return FIELDS[field]
    first, _, rest = field.partition(".")
    if first == "capabilities" and rest:
        return label(rest)
    if first == "parameters" and rest:
        return f"Parameter {rest}"
    if first == "prices" and rest:
        return _rate(rest)
    spaced = "".join(f" {each.lower()}" if each.isupper() else each for each in first)
    return f"{spaced[:1].upper()}{spaced[1:]}{f' ({rest})' if rest else ''}"


def _rate(name: str) -> str:
    """A rate as changes spell it: BATCH.INPUT.over200000 is "Batch input price above 200,000 tokens"."""
    tier, meter, *rest = [*name.split("."), ""]
    words = label(meter) if tier == "STANDARD" else f"{label(tier)} {label(meter).lower()}"
    words += " price"
    for each in rest:
        if each.startswith("over") and each[4:].isdigit():
            words += f" above {int(each[4:]):,} tokens"
        elif each.startswith("from"):
            words += f" from {each[4:]} UTC"
        elif each.startswith("since"):
            words += f", in force from {day(each[5:])}"
    return words


def told(value: Any, field: str) -> str:
    """The value of any field, as it reads."""
    if value is None or value == []:
        return UNKNOWN
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if field in TOKENS and isinstance(value, int):
        return tokens(value)
    if field.startswith("price.") and field not in WORDS:
        return f"{amount(str(value))} per 1M tokens"
    if field.startswith("prices."):
        return WITHOUT_AMOUNT.get(value) or amount(str(value))
    if field.startswith("parameters.") and is_object(value):
        return parameter(value)
    if field in DATES and isinstance(value, str):
        return day(value)
    if field in WORDS:
        return words(ranked(value, WORDS[field])) if is_array(value) else label(str(value))
    if is_array(value):
        return ", ".join(told(each, field) for each in value)
    if is_object(value):
        return ", ".join(f"{heading(str(key))}: {told(each, str(key))}" for key, each in value.items())
    return value if isinstance(value, str) else number(value)


def parameter(value: Mapping[str, Any]) -> str:
    """What is known of a parameter, in a few words."""
    if not value.get("supported", True):
        return "Not supported"
    parts = [
        ", ".join(value.get("allowedValues") or []),
        span(value.get("minimum"), value.get("maximum")),
        f"default {reading(value['default'])}" if "default" in value else "",
    ]
    return "; ".join(part for part in parts if part) or "Supported"


def plural(count: int, one: str, many: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


FILTERS: Mapping[str, Callable[..., Any]] = {
    each.__name__: each
    for each in (
        amount,
        date,
        day,
        heading,
        label,
        moment,
        money,
        number,
        plural,
        priced,
        ranked,
        reading,
        short,
        span,
        told,
        tokens,
        words,
    )
}
