"""How a live feed's content becomes JSON that can be trusted to end, and what the shapes of several feeds share."""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints, ValidationError

from schema.column_types import LARGEST_INTEGER, check_exact, is_object
from schema.strict_json import JsonError, JsonParser
from seeds.catalogue import Catalogue, line
from seeds.feeds.fetch import FeedError

DIGITS = 40
"""Longest number anybody has a use for, and the largest exponent."""
UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
"""Control characters, those that turn text around, and halves of characters."""
PROVIDER_SLUG = r"[a-z0-9][a-z0-9._-]*"


def fit(value: str) -> str:
    """A text that can be stored and shown. Raises ValueError."""
    if not value.strip() or UNFIT.search(value):
        raise ValueError("it is blank or holds control characters")
    return value


def _link(value: str | None) -> str | None:
    # A page shows it as a link: what is no web address is no claim.
    return value if value and re.fullmatch(r"https?://[^\s<>\"']{1,500}", value) and not UNFIT.search(value) else None


def bounded(value: Decimal) -> Decimal:
    _, digits, exponent = value.as_tuple()
    # Written out, even a zero with an exponent of 999999999 would fill the memory.
    if not isinstance(exponent, int) or len(digits) > DIGITS or abs(exponent) > DIGITS:
        raise ValueError("the number has too many digits")
    return value


Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=300), AfterValidator(fit)]
"""A text for people; some upstreams leave a tab behind it."""
Slug = Annotated[str, StringConstraints(max_length=300), AfterValidator(fit)]
"""An identifier, exactly as it has to be sent."""
ProviderSlug = Annotated[str, Field(pattern=f"^{PROVIDER_SLUG}$", max_length=100)]
Link = Annotated[str | None, AfterValidator(_link)]
Price = Annotated[Decimal, Field(ge=0), AfterValidator(bounded)]
Amount = Annotated[Price, AfterValidator(check_exact)]
"""A price by the unit it is stored by."""
Count = Annotated[int, Field(ge=0, le=LARGEST_INTEGER)]


FEED_JSON = JsonParser(max_digits=DIGITS, max_exponent=DIGITS, byte_order_mark=True)


def document(content: bytes, expected: str) -> Any:
    """A feed's JSON. Raises FeedError naming what was expected and what came instead."""
    try:
        return FEED_JSON.parse(content)
    except JsonError as error:
        start = line(content[:30].decode("ascii", "backslashreplace"), 30)
        raise FeedError(f"The content is not {expected}: {error}. It starts with: {start}") from error


def brief(error: ValueError) -> str:
    """The first thing wrong, in one line."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(step) for step in first["loc"]) or "entry"
    return f"{line(place, 80)}: {first['msg'].removeprefix('Value error, ')}"


def called(entry: Any) -> str:
    """What an entry that could not be read calls itself."""
    name = entry.get("id") if is_object(entry) else None
    return name if isinstance(name, str) else "an entry without an id"


def checked(catalogue: Catalogue, expected: str) -> Catalogue:
    """The catalogue, if there is a model in it. Raises FeedError."""
    if catalogue.models:
        return catalogue
    if not catalogue.quarantined:
        raise FeedError(f"The content is not {expected}: it holds no model.")
    raise FeedError(
        f"The content is not {expected}: none of its {catalogue.entries:,} entries can be read, "
        f"beginning with {catalogue.quarantined[0]}"
    )
