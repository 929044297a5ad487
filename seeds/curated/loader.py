"""The curated source: facts that no feed has, written in TOML from the providers' documentation."""

import tomllib
from collections.abc import Iterator
from decimal import Decimal
from importlib.resources import files
from typing import Any

from pydantic import Field, ValidationError

from seeds.catalogue import Catalogue, FamilyClaims, ModelClaims, ParameterClaim, ProviderClaims, Rule
from seeds.curated import shape
from seeds.curated.shape import FactsShape, Shape, Text

SLUG = "curated"


class ParameterShape(shape.ParameterShape):
    """A parameter, defined once per file and used by key."""

    name: str | None = None
    """As the API spells it; by default the key."""
    label: Text


class EntryShape(FactsShape):
    """A rule, or an entry about one model."""

    reference: str | None = None
    """The documentation page the facts are taken from."""
    parameters: tuple[str, ...] = ()
    """Keys of parameters."""
    unsupported_parameters: tuple[str, ...] = ()
    """Keys of parameters that the API rejects or ignores for these models."""
    providers: tuple[str, ...] = ()
    """Provider slugs; by default the file's own."""


class RuleShape(EntryShape):
    match: tuple[str, ...] = Field(min_length=1)
    """Patterns for model slugs: `*` any characters, `?` one character, `[ab]` one of these."""
    excluding: tuple[str, ...] = ()


class ModelShape(EntryShape):
    aliases: tuple[str, ...] = ()
    """Other references that the provider accepts, including dated snapshots."""
    create: bool = False
    """True to list the model even if no feed does."""


class ProviderShape(shape.ProviderShape):
    slug: str
    also: tuple[str, ...] = ()
    """Other providers that the rules apply to, e.g. a regional edition of the same API."""


class FamilyShape(Shape):
    name: str
    default_model: str | None = None
    """provider/model; a bare slug means this file's provider."""


class FileShape(Shape):
    provider: ProviderShape
    families: dict[str, FamilyShape] = {}
    parameters: dict[str, ParameterShape] = {}
    rules: list[RuleShape] = []
    models: dict[str, ModelShape] = {}


def claims(entry: EntryShape, parameters: dict[str, ParameterShape], origin: str) -> ModelClaims:
    """The claims of a rule or a model entry, not yet about a model."""
    found: dict[str, ParameterClaim] = {}
    for key in (*entry.parameters, *entry.unsupported_parameters):
        if key not in parameters:
            raise ValueError(f'{origin}: no parameter is defined as "{key}". Add [parameters."{key}"] to the file.')
        parameter = parameters[key]
        name = parameter.name or key
        if name in found:
            raise ValueError(f'{origin}: the parameter "{name}" is given twice.')
        if key in entry.parameters:
            found[name] = parameter.claim(name, parameter.label)
        else:
            found[name] = ParameterClaim(name, False, parameter.label, parameter.kind, note=parameter.note)
    return ModelClaims(
        "", "", entry.facts, capabilities=entry.capability_claims, parameters=found, reasons=entry.reasons
    )


def parse_file(text: str, file_name: str, into: Catalogue) -> None:
    """Adds one provider's file to the catalogue. Raises ValueError naming the file and the entry."""
    try:
        file = FileShape.model_validate(tomllib.loads(text, parse_float=Decimal))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ValueError(f"{file_name}: {error}") from error
    provider = file.provider
    into.providers[provider.slug] = ProviderClaims(**provider.model_dump(exclude={"slug", "also"}))
    for slug, family in file.families.items():
        model = family.default_model
        full = model if model is None or "/" in model else f"{provider.slug}/{model}"
        into.families[slug] = FamilyClaims(family.name, full)
    everywhere = (provider.slug, *provider.also)
    for number, rule in enumerate(file.rules, 1):
        origin = f"{file_name}, rule {number}"
        stated = claims(rule, file.parameters, origin)
        into.rules.append(Rule(rule.providers or everywhere, rule.match, rule.excluding, stated, origin))
    for slug, entry in file.models.items():
        origin = f'{file_name}, model "{slug}"'
        stated = claims(entry, file.parameters, origin)
        stated.aliases = entry.aliases
        exactly = slug.replace("[", "[[]")
        into.rules.append(Rule(entry.providers or everywhere, (exactly,), (), stated, origin, own=True))
        if entry.create:
            into.models.append(ModelClaims(provider.slug, slug))


def declared_in(file_name: str) -> dict[str, Any]:
    """What a file of declarations contains: about all providers, identities or disputes, rather than one provider."""
    return tomllib.loads((files("seeds") / "curated" / file_name).read_text(encoding="utf-8"))


def texts() -> Iterator[tuple[str, str]]:
    """(file name, text) of every curated file, in alphabetical order."""
    folder = files("seeds") / "curated"
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".toml") and not entry.name.startswith("_"):
            yield entry.name, entry.read_text(encoding="utf-8")


def bundled() -> Catalogue:
    """The whole curated catalogue. Its files are part of the program, so an invalid one is a bug and raises."""
    catalogue = Catalogue(SLUG)
    for file_name, text in texts():
        parse_file(text, file_name, catalogue)
    return catalogue
