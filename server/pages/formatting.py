"""Formats values for people: 1,047,576 tokens, $0.40, 17 June 2025, Unknown. Each function is a filter in templates."""

from calendar import month_name
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

import orjson

from schema import enums
from schema.column_types import is_array, is_object
from schema.enums import label

Data: TypeAlias = Mapping[str, Any]
"""An object of a query's result: it has the members that the document of the page asks for."""
UNKNOWN = "Unknown"
WITHOUT_AMOUNT = {"FREE": "Free", "INCLUDED": "Included in subscription", "NOT_PUBLISHED": UNKNOWN}
"""What stands in place of an amount, by price publication."""


def number(value: float | str) -> str:
    """A number with thousands separators."""
    return f"{Decimal(str(value)):,f}" if isinstance(value, (str, float)) else f"{value:,}"


def tokens(value: int | None) -> str:
    return UNKNOWN if value is None else pluralize(value, "token")


def compact(value: int | None) -> str:
    """A token count for tables: 1.05M, 128K."""
    if value is None:
        return UNKNOWN
    if value < 1_000:
        return f"{value}"
    return f"{value / 1_000:.3g}K" if value < 999_500 else f"{value / 1_000_000:.3g}M"


def amount(value: str | None) -> str:
    """A rate in USD: at least two decimals, and all others that are significant."""
    if value is None:
        return UNKNOWN
    exact = Decimal(value)
    # Some providers publish prices with floating-point noise: 0.39999999999999997.
    if len(exact.as_tuple().digits) > 9:
        exact = Decimal(f"{exact:.6g}")
    decimals = max(2, -int(exact.normalize().as_tuple().exponent))
    return f"${exact:,.{decimals}f}"


def total(value: str | None) -> str:
    """A sum in USD, rounded for people: $12.35, $0.001235."""
    if value is None:
        return UNKNOWN
    exact = Decimal(value)
    if exact == 0 or abs(exact) >= 1:
        return f"${exact:,.2f}"
    return amount(f"{Decimal(f'{exact:.4g}'):f}")


def price(value: str | None, publication: str = "PUBLISHED") -> str:
    """A rate, or why there is no amount."""
    if publication != "PUBLISHED":
        return WITHOUT_AMOUNT[publication]
    return amount(value)


def long_date(value: str | None) -> str:
    """A date, as precise as it is known: 2025, June 2025, 17 June 2025."""
    if value is None:
        return UNKNOWN
    year, *rest = value[:10].split("-")
    month = [month_name[int(number)] for number in rest[:1]]
    day = [str(int(number)) for number in rest[1:]]
    return " ".join([*day, *month, year])


def short_date(value: str | None) -> str:
    """A date for tables: 17 Jun 2025."""
    return " ".join(part[:3] if part.isalpha() else part for part in long_date(value).split()) if value else UNKNOWN


def timestamp(value: str | None) -> str:
    if value is None:
        return "Never"
    instant = datetime.fromisoformat(value)
    return f"{instant.day} {instant:%B %Y, %H:%M} UTC"


def lower_first(text: str) -> str:
    """Text for the middle of a sentence; acronyms stay: "PDF", "input"."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def label_list(values: Sequence[str]) -> str:
    """Enum members as one phrase: Text, image, PDF."""
    first, *others = [label(value) for value in values] or [""]
    return ", ".join([first, *map(lower_first, others)])


def joined(values: Iterable[str], conjunction: str) -> str:
    """An enumeration in a sentence: "batch, priority or long-context"."""
    *others, last = values
    return f"{', '.join(others)} {conjunction} {last}" if others else last


def in_enum_order(values: Sequence[str], enum_name: str) -> list[str]:
    """Enum members in the order of their enum, which starts with the most important ones."""
    return sorted(values, key=list(getattr(enums, enum_name).__members__).index)


def literal(value: object) -> str:
    """A value as a request would contain it: strings without quotes, everything else as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def value_range(minimum: str | None, maximum: str | None) -> str:
    """A range in words; empty if neither end is known."""
    if minimum is None and maximum is None:
        return ""
    if maximum is None:
        return f"{number(minimum or '')} or more"
    if minimum is None:
        return f"up to {number(maximum)}"
    return f"{number(minimum)} to {number(maximum)}"


def pluralize(count: int, singular: str) -> str:
    """A count with its noun: "1 model", "2,000 models"."""
    return f"{count:,} {singular}{'' if count == 1 else 's'}"


FIELD_LABELS = {
    "apiBaseUrl": "Base URL",
    "bestFor": "Best for",
    "credentialVariables": "API key variables",
    "docsUrl": "Documentation",
    "isFlagship": "Flagship",
    "isLatestVersion": "Latest version",
    "isRecommended": "Recommended",
    "knowledgeCutoff": "Knowledge cutoff",
    "knowledgeCutoffText": "Knowledge cutoff",
    "inputModalities": "Input",
    "maxInputTokens": "Maximum input",
    "maxOutputTokens": "Maximum output",
    "outputModalities": "Output",
    "parameterSize": "Model size",
    "price.input": "Input price",
    "price.output": "Output price",
    "price.cacheRead": "Cached input price",
    "price.cacheWrite": "Cache write price",
    "price.publication": "Price status",
    "useCases": "Tasks",
    "websiteUrl": "Website",
}
"""Labels of fields that are not simply their name in words."""
TOKEN_FIELDS = frozenset({"contextWindow", "maxInputTokens", "maxOutputTokens"})
DATE_FIELDS = frozenset({"releaseDate", "deprecationDate", "retirementDate", "knowledgeCutoff", "knowledgeCutoffText"})
END_DATES = frozenset({"deprecationDate", "retirementDate"})
ENUM_FIELDS = {
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
"""Fields with enum values, and which enum."""


def field_label(field: str) -> str:
    """The name of a field for people: "contextWindow" is "Context window"."""
    if field in FIELD_LABELS:
        return FIELD_LABELS[field]
    first, _, rest = field.partition(".")
    if first == "capabilities" and rest:
        return label(rest)
    if first == "parameters" and rest:
        return f"Parameter {rest}"
    if first == "prices" and rest:
        return _rate_label(rest)
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in first)
    return f"{spaced[:1].upper()}{spaced[1:]}{f' ({rest})' if rest else ''}"


def _rate_label(key: str) -> str:
    """BATCH.INPUT.over200000 -> Batch input price above 200,000 tokens"""
    tier, meter, *conditions = [*key.split("."), ""]
    text = label(meter) if tier == "STANDARD" else f"{label(tier)} {label(meter).lower()}"
    text += " price"
    for condition in conditions:
        if condition.startswith("over") and condition[4:].isdigit():
            text += f" above {int(condition[4:]):,} tokens"
        elif condition.startswith("from"):
            text += f" from {condition[4:]} UTC"
        elif condition.startswith("since"):
            text += f", effective {long_date(condition[5:])}"
    return text


def field_value(value: object, field: str, status: str = "") -> str:
    """The value of any field, for people. The status is that of the model, if it is known."""
    if value is None and field in END_DATES and status not in ("", "DEPRECATED", "RETIRED"):
        # That a healthy model has none is good news, not a gap in the data.
        return "No date announced"
    if value is None or value == []:
        return UNKNOWN
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if field in TOKEN_FIELDS and isinstance(value, int):
        return tokens(value)
    if field.startswith("price.") and field not in ENUM_FIELDS:
        return f"{amount(str(value))} per 1M tokens"
    if field.startswith("prices."):
        return WITHOUT_AMOUNT.get(str(value)) or amount(str(value))
    if field.startswith("parameters.") and is_object(value):
        return parameter_summary(value)
    if field in DATE_FIELDS and isinstance(value, str):
        return long_date(value)
    if field in ENUM_FIELDS:
        return label_list(in_enum_order(value, ENUM_FIELDS[field])) if is_array(value) else label(str(value))
    if is_array(value):
        return ", ".join(field_value(item, field) for item in value)
    if is_object(value):
        return ", ".join(f"{field_label(str(key))}: {field_value(item, str(key))}" for key, item in value.items())
    return number(value) if isinstance(value, (int, float)) else str(value)


def parameter_summary(value: Data) -> str:
    """What is known of a parameter: "0 to 2; default 1"."""
    if not value.get("supported", True):
        return "Not supported"
    parts = [
        ", ".join(value.get("allowedValues") or []),
        value_range(value.get("minimum"), value.get("maximum")),
        f"default {literal(value['default'])}" if "default" in value else "",
    ]
    return "; ".join(part for part in parts if part) or "Supported"
