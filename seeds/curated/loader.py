"""The curated source: facts that no feed has, written in TOML from the providers' documentation."""

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schema.enums import AccessType, Capability, Endpoint, Modality, ModelStatus, ParameterKind, ProviderKind, UseCase
from seeds.catalogue import (
    Catalogue,
    Facts,
    FamilyClaims,
    ModelClaims,
    ParameterClaim,
    ProviderClaims,
    Rule,
    known_facts,
)

SLUG = "curated"


class Shape(BaseModel):
    """Strict: a misspelled key is an error, not a lost fact."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class ParameterShape(Shape):
    """A parameter, defined once per file and used by key."""

    name: str | None = None
    """As the API spells it; by default the key."""
    label: str
    kind: ParameterKind
    default: Any = None
    minimum: Decimal | Literal["max_output_tokens"] | None = None
    maximum: Decimal | Literal["max_output_tokens"] | None = None
    allowed_values: list[str] | None = None
    note: str | None = None


class FactsShape(Shape):
    """Facts about one model, or about all models that match a pattern."""

    reference: str | None = None
    """The documentation page they are taken from."""
    name: str | None = None
    family: str | None = None
    status: ModelStatus | None = None
    access_type: AccessType | None = None
    license: str | None = None
    parameter_size: str | None = None
    tagline: str | None = None
    description: str | None = None
    best_for: str | None = None
    is_flagship: bool | None = None
    is_recommended: bool | None = None
    context_window: int | None = None
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    knowledge_cutoff: str | None = Field(default=None, pattern=r"^\d{4}(-\d\d(-\d\d)?)?$")
    release_date: date | None = None
    deprecation_date: date | None = None
    retirement_date: date | None = None
    version_of: str | None = None
    """Slug of the undated model that this is a snapshot of."""
    canonical: str | None = None
    """maker/model: the identity shared with the same model at other providers."""
    input_modalities: list[Modality] | None = None
    output_modalities: list[Modality] | None = None
    endpoints: list[Endpoint] | None = None
    use_cases: list[UseCase] | None = None
    capabilities: list[Capability] = []
    without_capabilities: list[Capability] = []
    parameters: list[str] = []
    """Keys of parameters."""
    unsupported_parameters: list[str] = []
    """Keys of parameters that the API rejects or ignores for these models."""
    reasons: dict[str, str] = {}
    """Field -> why this value is right where other sources say otherwise."""


class RuleShape(FactsShape):
    match: list[str] = Field(min_length=1)
    """Patterns for model slugs: `*` any characters, `?` one character, `[ab]` one of these."""
    excluding: list[str] = []
    providers: list[str] | None = None
    """Provider slugs; by default the file's own."""


class ModelShape(FactsShape):
    aliases: list[str] = []
    """Other references that the provider accepts, including dated snapshots."""
    create: bool = False
    """True to list the model even if no feed does."""
    providers: list[str] | None = None


class ProviderShape(Shape):
    slug: str
    name: str | None = None
    kind: ProviderKind | None = None
    website_url: str | None = None
    docs_url: str | None = None
    api_base_url: str | None = None
    credential_variables: list[str] | None = None
    also: list[str] = []
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


PLAIN = (
    "name",
    "family",
    "status",
    "access_type",
    "license",
    "parameter_size",
    "tagline",
    "description",
    "best_for",
    "is_flagship",
    "is_recommended",
    "context_window",
    "max_input_tokens",
    "max_output_tokens",
    "release_date",
    "deprecation_date",
    "retirement_date",
    "version_of",
    "canonical",
)
SETS = ("input_modalities", "output_modalities", "endpoints", "use_cases")


class StatedFacts(Protocol):
    """An entry of a curated file or of an overlay, which has the fields named in PLAIN and SETS, too."""

    knowledge_cutoff: str | None


def stated_facts(entry: StatedFacts) -> Facts:
    words = {name: getattr(entry, name) for name in SETS}
    return known_facts(
        {name: getattr(entry, name) for name in PLAIN}
        | {"knowledge_cutoff_text": entry.knowledge_cutoff}
        | {
            name: None if members is None else frozenset(word.name for word in members)
            for name, members in words.items()
        }
    )


def claims(shape: FactsShape, parameters: dict[str, ParameterShape], origin: str) -> ModelClaims:
    """The claims of a rule or a model entry, not yet about a model."""
    found = ModelClaims("", "", reasons=shape.reasons)
    found.facts = stated_facts(shape)
    found.capabilities = dict.fromkeys((capability.name for capability in shape.capabilities), True)
    found.capabilities |= dict.fromkeys((capability.name for capability in shape.without_capabilities), False)
    for key, supported in (
        *((key, True) for key in shape.parameters),
        *((key, False) for key in shape.unsupported_parameters),
    ):
        if key not in parameters:
            raise ValueError(f'{origin}: no parameter is defined as "{key}". Add [parameters."{key}"] to the file.')
        shared = parameters[key]
        name = shared.name or key
        if name in found.parameters:
            raise ValueError(f'{origin}: the parameter "{name}" is given twice.')
        claim = ParameterClaim(name, supported, shared.label, shared.kind, note=shared.note)
        if supported:
            claim = replace(
                claim,
                default=shared.default,
                minimum=shared.minimum,
                maximum=shared.maximum,
                allowed_values=None if shared.allowed_values is None else tuple(shared.allowed_values),
            )
        found.parameters[name] = claim
    return found


def parse_file(text: str, file_name: str, into: Catalogue) -> None:
    """Adds one provider's file to the catalogue. Raises ValueError naming the file and the entry."""
    try:
        shape = FileShape.model_validate(tomllib.loads(text, parse_float=Decimal))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ValueError(f"{file_name}: {error}") from error
    provider = shape.provider
    into.providers[provider.slug] = ProviderClaims(**provider.model_dump(exclude={"slug", "also"}))
    for slug, family in shape.families.items():
        model = family.default_model
        full = model if model is None or "/" in model else f"{provider.slug}/{model}"
        into.families[slug] = FamilyClaims(family.name, full)
    everywhere = (provider.slug, *provider.also)
    for number, rule in enumerate(shape.rules, 1):
        origin = f"{file_name}, rule {number}"
        into.rules.append(
            Rule(
                providers=tuple(rule.providers or everywhere),
                match=tuple(rule.match),
                excluding=tuple(rule.excluding),
                claims=claims(rule, shape.parameters, origin),
                origin=origin,
            )
        )
    for slug, entry in shape.models.items():
        origin = f'{file_name}, model "{slug}"'
        found = claims(entry, shape.parameters, origin)
        found.aliases = tuple(entry.aliases)
        targets = tuple(entry.providers or everywhere)
        into.rules.append(Rule(targets, (slug.replace("[", "[[]"),), (), found, origin, own=True))
        if entry.create:
            into.models.append(ModelClaims(provider.slug, slug))


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
