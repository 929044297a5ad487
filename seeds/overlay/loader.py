"""The operator's overlay: private models, negotiated prices and corrections, trusted before every other source.

`seeds/overlay/example.toml` shows and explains the format.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path

from pydantic import ValidationError

from schema.errors import ModelMetaError
from schema.pricing.standard import STANDARD_METERS
from schema.strict_json import JsonError, JsonParser
from seeds.catalogue import Catalogue, ModelClaims, ParameterClaim, ProviderClaims
from seeds.overlay.rates import rates
from seeds.overlay.shape import EntryError, FileShape, KeyPath, ModelShape, ParameterShape, default_fault, known_keys

SLUG = "overlay"
OVERLAY_JSON = JsonParser(max_digits=1_000)
ADVICE = {
    "model_type": "write a table (in JSON, an object)",
    "dict_type": "write a table (in JSON, an object)",
    "list_type": "write an array: [ ]",
    "tuple_type": "write an array: [ ]",
    "string_type": "write text in quotes",
    "bool_type": "write true or false",
}
"""What to write, by the name of pydantic's error."""


class OverlayError(ModelMetaError):
    """A mistake in the file: one line that names the file, the key path and what to write instead."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """What an operator's file says."""

    name: str
    catalogue: Catalogue
    content: bytes
    edition: str
    """Fingerprint of the content."""

    def mistake(self, path: KeyPath, message: str) -> OverlayError:
        text = f"{self.name}: {format_key_path(path) or 'the file'}: {message}"
        # Keys and values are quoted as they are, but for line separators, lone surrogates and the like.
        return OverlayError("".join(char if char.isprintable() else ascii(char)[1:-1] for char in text))

    def check(self, others: Sequence[Catalogue]) -> None:
        """Compares with what the other sources know. Raises OverlayError for a provider that nothing defines."""
        known = {slug for catalogue in others for slug in catalogue.providers}
        used = {model.provider for model in self.catalogue.models}
        for slug, columns in self.catalogue.providers.items():
            if slug not in known and slug not in used:
                raise self.mistake(
                    ("providers", slug),
                    f"no source has this provider, and no model here uses it. {_nearest(slug, known)}"
                    "Fix the name, or add one of its models.",
                )
            if slug not in known and columns.kind is None:
                raise self.mistake(("providers", slug), "a new provider needs a kind: LAB, CLOUD, GATEWAY or LOCAL.")
        spellings: dict[tuple[str, str], set[str]] = {}
        for model in (model for catalogue in others for model in catalogue.models):
            spellings.setdefault((model.provider, model.slug.lower()), set()).add(model.slug)
        for model in self.catalogue.models:
            path = ("models", f"{model.provider}/{model.slug}")
            if model.provider not in known and model.provider not in self.catalogue.providers:
                raise self.mistake(
                    path,
                    f'no source has the provider "{model.provider}". {_nearest(model.provider, known)}'
                    f"Fix the name, or define the provider with [providers.{model.provider}].",
                )
            same = spellings.setdefault((model.provider, model.slug.lower()), {model.slug})
            if model.slug not in same:
                raise self.mistake(
                    path, f'this model is listed as "{model.provider}/{min(same)}". Use the same upper and lower case.'
                )


def format_key_path(path: KeyPath) -> str:
    """A key path as people write it: models."acme/one".rates[0].amount."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            bare = re.fullmatch(r"[A-Za-z0-9_-]+", key)  # context_window, but not acme/one
            text += "." * bool(text) + (key if bare else json.dumps(key, ensure_ascii=False))
    return text


def _nearest(word: str, known: Collection[str]) -> str:
    found = get_close_matches(word, sorted(known), n=1)
    return f'Did you mean "{found[0]}"? ' if found else ""


def read(path: Path) -> Overlay:
    """The overlay in a file. Raises OverlayError."""
    try:
        if path.exists() and not path.is_file():
            raise OverlayError(f"{path}: not a file. Name a TOML or JSON file as the overlay.")
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OverlayError(
            f"{path}: the overlay can't be read: {reason}. Check the path and the file's permissions."
        ) from error
    return parse(content, str(path))


def parse(content: bytes, name: str) -> Overlay:
    """The overlay in a file's content: JSON if named .json or starting with a brace, else TOML. Raises OverlayError."""
    document = read_document(content, name)
    overlay = Overlay(name, Catalogue(SLUG), content, hashlib.sha256(content).hexdigest())
    try:
        file = FileShape.model_validate(document)
        for slug, provider in file.providers.items():
            overlay.catalogue.providers[slug] = ProviderClaims(**provider.model_dump())
        for ref, model in file.models.items():
            overlay.catalogue.models.append(_claims(ref, model))
    except ValidationError as error:
        raise overlay.mistake(*_first_mistake(error)) from error
    except EntryError as error:
        raise overlay.mistake(error.path, str(error)) from error
    return overlay


def read_document(content: bytes, name: str) -> object:
    """The parsed file, fractions as Decimal. Raises OverlayError, also for a key that appears twice in an object."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, byte = content.count(b"\n", 0, error.start) + 1, content[error.start]
        raise OverlayError(f"{name}, line {line}: byte 0x{byte:02x} is not UTF-8. Save the file as UTF-8.") from error
    try:
        if name.lower().endswith(".json") or text.lstrip().startswith("{"):
            return OVERLAY_JSON.parse(text)
        return tomllib.loads(text, parse_float=_number)
    except JsonError as error:
        raise OverlayError(f"{name}: not valid JSON: {error}. Fix the file.") from error
    except tomllib.TOMLDecodeError as error:
        raise OverlayError(f"{name}: not valid TOML: {error}.") from error
    except RecursionError as error:
        raise OverlayError(f"{name}: the tables are nested too deeply. Remove some levels.") from error
    except ValueError as error:
        # Python refuses to read an integer of thousands of digits.
        raise OverlayError(f"{name}: a number has too many digits. Fix the file.") from error


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent too large even for Decimal
        return Decimal("Infinity")


def _first_mistake(error: ValidationError) -> tuple[KeyPath, str]:
    """The key path of the first of pydantic's errors, and the error in our words."""
    mistakes = error.errors(include_url=False)
    first = mistakes[0]
    path: KeyPath = tuple(key for key in first["loc"] if key != "[key]")
    if first["type"] == "extra_forbidden":
        known = known_keys(path)
        near = _nearest(str(path[-1]), known)
        message = f"unknown key. {near or 'Known keys: ' + ', '.join(known) + '.'}".strip()
    elif first["type"] == "missing":
        message = "this key is required."
    elif first["type"] == "enum":
        known = re.findall(r"'(\w+)'", first["msg"])  # Input should be 'FREE', 'INCLUDED' or 'NOT_PUBLISHED'
        near = _nearest(str(first["input"]).upper(), known)
        valid = near or "Valid values: " + ", ".join(known) + "."
        message = f"{_shown(first['input'])} is not a valid value. {valid}".strip()
    else:
        advice = ADVICE.get(first["type"]) or first["msg"].removeprefix("Value error, ").rstrip(".")
        message = f"{_shown(first['input'])} is not valid: {advice}."
    others = len(mistakes) - 1
    return path, message + (f" ({others} more after it.)" if others else "")


def _shown(value: object) -> str:
    text = str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:60] + "…"


def _claims(ref: str, model: ModelShape) -> ModelClaims:
    path: KeyPath = ("models", ref)
    provider, _, slug = ref.partition("/")
    for index, capability in enumerate(model.without_capabilities):
        if capability in model.capabilities:
            message = f"{capability.name} is also in capabilities. Remove one of them."
            raise EntryError((*path, "without_capabilities", index), message)
    found = ModelClaims(
        provider,
        slug,
        facts=model.facts,
        capabilities=model.capability_claims,
        parameters={
            name: _parameter((*path, "parameters", name), name, parameter)
            for name, parameter in model.parameters.items()
        },
        rates=rates(path, model),
        aliases=model.aliases,
    )
    found.reasons = dict(_reasons(path, model, found))
    return found


def _reasons(path: KeyPath, model: ModelShape, found: ModelClaims) -> Iterator[tuple[str, str]]:
    """Fact -> reason. A reason for `price` applies to each amount in the table."""
    meters = {rate.meter for rate in found.rates}
    for name, reason in model.reasons.items():
        if name == "price" and meters:
            yield from ((f"price.{key}", reason) for key, meter in STANDARD_METERS.items() if meter in meters)
        elif name in found.facts or (name == "knowledge_cutoff" and model.knowledge_cutoff):
            yield name, reason
        else:
            raise EntryError((*path, "reasons", name), "this entry does not set this fact. Name one that it sets.")


def _parameter(path: KeyPath, name: str, parameter: ParameterShape) -> ParameterClaim:
    low, high = parameter.minimum, parameter.maximum
    if isinstance(low, Decimal) and isinstance(high, Decimal) and low > high:
        raise EntryError((*path, "minimum"), f"{low} is greater than the maximum, {high}.")
    if fault := default_fault(parameter):
        raise EntryError((*path, "default"), f"{_shown(parameter.default)} is not a valid default: {fault}.")
    return replace(parameter.claim(name, parameter.label), supported=parameter.supported)
