"""Validation that the feeds share: their JSON, the types of the values in it, and messages about invalid entries."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, ValidationError

from schema.column_types import LARGEST_INTEGER, check_exact, is_array, is_object
from schema.strict_json import JsonError, JsonParser
from seeds.catalogue import DIGITS, PROVIDER_SLUG, UNFIT, Catalogue, ModelClaims, bounded, line
from seeds.feeds.fetch import FeedError


def fit(value: str) -> str:
    """A text that can be stored and shown. Raises ValueError."""
    if not value.strip() or UNFIT.search(value):
        raise ValueError("it is blank or contains control characters")
    return value


def _link(value: str | None) -> str | None:
    # Pages show it as a link, so anything that is not a web address is ignored: https://docs.example/models#gpt-5
    return value if value and re.fullmatch(r"https?://[^\s<>\"']{1,500}", value) and not UNFIT.search(value) else None


Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=300), AfterValidator(fit)]
"""A text for people; some upstreams leave a tab after it."""
Slug = Annotated[str, StringConstraints(max_length=300), AfterValidator(fit)]
"""An identifier, exactly as it must be sent."""
ProviderSlug = Annotated[str, Field(pattern=f"^{PROVIDER_SLUG}$", max_length=100)]
Link = Annotated[str | None, AfterValidator(_link)]
Price = Annotated[Decimal, Field(ge=0), AfterValidator(bounded)]
Amount = Annotated[Price, AfterValidator(check_exact)]
"""A price in the unit in which it is stored."""
Count = Annotated[int, Field(ge=0, le=LARGEST_INTEGER)]


FEED_JSON = JsonParser(max_digits=DIGITS, max_exponent=DIGITS, byte_order_mark=True)


def document(content: bytes, expected: str) -> object:
    """A feed's JSON. Raises FeedError, which says what was expected and what was found."""
    try:
        return FEED_JSON.parse(content)
    except JsonError as error:
        start = line(content[:30].decode("ascii", "backslashreplace"), 30)
        raise FeedError(f"The content is not {expected}: {error}. It starts with: {start}") from error


def brief(error: ValueError) -> str:
    """The first error, in one line."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(step) for step in first["loc"]) or "entry"
    return f"{line(place, 80)}: {first['msg'].removeprefix('Value error, ')}"


def called(entry: object) -> str:
    """The id of an entry that could not be read."""
    name = entry.get("id") if is_object(entry) else None
    return name if isinstance(name, str) else "an entry without an id"


class ProviderEntry(BaseModel):
    """What every feed's providers have."""

    id: ProviderSlug
    name: Text


class ModelEntry(BaseModel):
    """What every feed's models have."""

    id: Slug


Provider = TypeVar("Provider", bound=ProviderEntry)
Model = TypeVar("Model", bound=ModelEntry)


def read_providers(
    catalogue: Catalogue, shape: type[Provider], entries: Iterable[tuple[str, object]], slugs: Mapping[str, str]
) -> Iterator[tuple[str, Provider]]:
    """The valid providers with their slugs; the others are quarantined by name. `slugs` are those unlike the id."""
    known: set[str] = set()
    for name, entry in entries:
        try:
            provider = shape.model_validate(entry)
            slug = slugs.get(provider.id, provider.id)
            if slug in known:
                raise ValueError("it is listed twice")
        except ValueError as error:
            models = entry.get("models") if is_object(entry) else None
            count = len(models) if is_object(models) or is_array(models) else 1
            catalogue.quarantine(f"provider {name}", brief(error), count)
            continue
        known.add(slug)
        yield slug, provider


def keep_models(
    catalogue: Catalogue,
    shape: type[Model],
    claims: Callable[[Model], ModelClaims],
    entries: Iterable[tuple[str, object]],
) -> list[Model]:
    """Adds the claims of the valid models to the catalogue, and returns these. The others are quarantined by name."""
    kept: list[Model] = []
    known: set[str] = set()
    for name, entry in entries:
        try:
            model = shape.model_validate(entry)
            if model.id in known:
                raise ValueError("it is listed twice")
            known.add(model.id)
            catalogue.keep(claims(model))
        except ValueError as error:
            catalogue.quarantine(name, brief(error))
        else:
            kept.append(model)
    return kept


def checked(catalogue: Catalogue, expected: str) -> Catalogue:
    """The catalogue, if it has a model. Raises FeedError."""
    if catalogue.models:
        return catalogue
    if not catalogue.quarantined:
        raise FeedError(f"The content is not {expected}: it contains no model.")
    raise FeedError(
        f"The content is not {expected}: none of its {catalogue.entries:,} entries can be read, "
        f"the first is {catalogue.quarantined[0]}"
    )
