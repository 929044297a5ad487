"""The curated source: facts no feed carries, written here in TOML from the providers' documentation."""

import tomllib
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from schema.enums import AccessType, Capability, Endpoint, Modality, ModelStatus, ParameterKind, ProviderKind, UseCase
from seeds.catalogue import Catalogue, ModelClaims, ParameterClaim, Rule

SLUG = "curated"


class Shape(BaseModel):
    """Strict: a misspelt key is an error, not a fact lost."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class ParameterShape(Shape):
    """A parameter, defined once and named by the rules that use it."""

    name: str | None = None
    """As the API spells it; by default the key it is defined under."""
    label: str
    kind: ParameterKind
    default: Any = None
    minimum: Decimal | Literal["max_output_tokens"] | None = None
    maximum: Decimal | Literal["max_output_tokens"] | None = None
    allowed_values: list[str] | None = None
    note: str | None = None


class FactsShape(Shape):
    """What can be said of one model, or of all models a pattern fits."""

    reference: str | None = None
    """The page of documentation this rests on."""
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
    """Slug of the undated model this is a dated snapshot of."""
    canonical: str | None = None
    """maker/model: the identity shared with the same model at other providers."""
    input_modalities: list[Modality] | None = None
    output_modalities: list[Modality] | None = None
    endpoints: list[Endpoint] | None = None
    use_cases: list[UseCase] | None = None
    capabilities: list[Capability] = []
    without_capabilities: list[Capability] = []
    parameters: list[str] = []
    """Keys of parameter definitions."""
    unsupported_parameters: list[str] = []
    """Keys of parameter definitions the API rejects or ignores for these models."""
    reasons: dict[str, str] = {}
    """Field -> why this value is right where other sources say otherwise."""


class RuleShape(FactsShape):
    match: list[str] = Field(min_length=1)
    """Patterns over the model slug: `*` any run, `?` one character, `[ab]` one of these."""
    excluding: list[str] = []
    providers: list[str] | None = None
    """Provider slugs; by default the file's own."""


class ModelShape(FactsShape):
    aliases: list[str] = []
    """Other references the provider accepts, dated snapshots among them."""
    create: bool = False
    """True: list the model although no feed carries it."""
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
    """Other provider slugs the rules hold for too, e.g. a regional edition of the same API."""


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

    @field_validator("parameters")
    @classmethod
    def names(cls, found: dict[str, ParameterShape]) -> dict[str, ParameterShape]:
        return {key: p if p.name else p.model_copy(update={"name": key}) for key, p in found.items()}


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


def claims(shape: FactsShape, parameters: dict[str, ParameterShape], origin: str) -> ModelClaims:
    """The claims of a rule or a model entry, still without a model."""
    found = ModelClaims("", "", reasons=shape.reasons)
    found.facts = {name: value for name in PLAIN if (value := getattr(shape, name)) is not None}
    if shape.knowledge_cutoff:
        found.facts["knowledge_cutoff_text"] = shape.knowledge_cutoff
    for name in SETS:
        if (members := getattr(shape, name)) is not None:
            found.facts[name] = frozenset(member.name for member in members)
    found.capabilities = {c.name: True for c in shape.capabilities} | {
        c.name: False for c in shape.without_capabilities
    }
    for key, supported in (*((k, True) for k in shape.parameters), *((k, False) for k in shape.unsupported_parameters)):
        if key not in parameters:
            raise ValueError(f'{origin}: no parameter is defined as "{key}". Add [parameters."{key}"] to the file.')
        p = parameters[key]
        assert p.name
        if p.name in found.parameters:
            raise ValueError(f'{origin}: the parameter "{p.name}" is given twice.')
        if supported:
            allowed = None if p.allowed_values is None else tuple(p.allowed_values)
            found.parameters[p.name] = ParameterClaim(
                p.name, True, p.label, p.kind, p.default, p.minimum, p.maximum, allowed, p.note
            )
        else:
            found.parameters[p.name] = ParameterClaim(p.name, False, p.label, p.kind, note=p.note)
    return found


def parse_file(text: str, file_name: str, into: Catalogue) -> None:
    """Adds one provider's file to the catalogue. Raises ValueError naming the file and the entry."""
    try:
        shape = FileShape.model_validate(tomllib.loads(text, parse_float=Decimal))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ValueError(f"{file_name}: {error}") from error
    provider = shape.provider
    columns = provider.model_dump(exclude={"slug", "also"}, exclude_none=True)
    into.providers[provider.slug] = columns
    for slug, family in shape.families.items():
        model = family.default_model
        full = model if model is None or "/" in model else f"{provider.slug}/{model}"
        into.families[slug] = {"name": family.name, "default_model_ref": full}
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
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.name.endswith(".toml") and not entry.name.startswith("_"):
            yield entry.name, entry.read_text(encoding="utf-8")


def bundled() -> Catalogue:
    """The whole curated catalogue. Its files ship with the code, so a bad one is a bug and raises."""
    catalogue = Catalogue(SLUG)
    for file_name, text in texts():
        parse_file(text, file_name, catalogue)
    return catalogue
