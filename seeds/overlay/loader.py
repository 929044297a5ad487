"""The operator's overlay: private models, negotiated prices and corrections, believed before every other source.

`seeds/overlay/example.toml` shows and explains the format.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from seeds.catalogue import Catalogue, ModelClaims, ParameterClaim, ProviderClaims
from seeds.curated.loader import stated_facts
from seeds.overlay import positions
from seeds.overlay.positions import Place
from seeds.overlay.rates import SHORTHAND, rates
from seeds.overlay.shape import FileShape, ModelShape, ParameterShape, default_fault, known_keys

SLUG = "overlay"
ADVICE = {
    "model_type": "write a table (in JSON, an object)",
    "dict_type": "write a table (in JSON, an object)",
    "list_type": "write an array: [ ]",
    "string_type": "write text in quotes",
    "bool_type": "write true or false",
}
"""What to write, by the name of pydantic's complaint."""


class OverlayError(ValueError):
    """A mistake in the file, in one line that names the file, the line, the key and the way out."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """What an operator's file says, and where in the file it says so."""

    name: str
    catalogue: Catalogue
    content: bytes
    edition: str
    """Fingerprint of the content."""
    lines: Mapping[Place, int]

    def mistake(self, place: Place, message: str) -> OverlayError:
        line = positions.line(self.lines, place)
        text = f"{self.name}, line {line}: {positions.spelt(place) or 'the file'}: {message}"
        # JSON may hold halves of characters, which no terminal takes.
        return OverlayError(text.encode("utf-8", "backslashreplace").decode())

    def check(self, others: Sequence[Catalogue]) -> None:
        """Compares with what the other sources know. Raises OverlayError for a provider nobody introduces."""
        known = {slug for each in others for slug in each.providers}
        sold = {model.provider for model in self.catalogue.models}
        for slug, columns in self.catalogue.providers.items():
            if slug not in known and slug not in sold:
                raise self.mistake(
                    ("providers", slug),
                    f"no source knows this provider and no model here is sold by it. {_nearest(slug, known)}"
                    "Mend the name, or add a model of it.",
                )
            if slug not in known and columns.kind is None:
                raise self.mistake(
                    ("providers", slug), "a provider of your own needs a kind: LAB, CLOUD, GATEWAY or LOCAL."
                )
        spellings: dict[tuple[str, str], set[str]] = {}
        for model in (model for each in others for model in each.models):
            spellings.setdefault((model.provider, model.slug.lower()), set()).add(model.slug)
        for model in self.catalogue.models:
            place = ("models", f"{model.provider}/{model.slug}")
            if model.provider not in known and model.provider not in self.catalogue.providers:
                raise self.mistake(
                    place,
                    f'no source knows the provider "{model.provider}". {_nearest(model.provider, known)}'
                    f"Mend the name, or introduce it with [providers.{model.provider}].",
                )
            same = spellings.setdefault((model.provider, model.slug.lower()), {model.slug})
            if model.slug not in same:
                raise self.mistake(
                    place, f'this model is known as "{model.provider}/{min(same)}". Write it with the same letters.'
                )


def _nearest(word: str, known: Sequence[str] | set[str]) -> str:
    found = get_close_matches(word, sorted(known), n=1)
    return f'Did you mean "{found[0]}"? ' if found else ""


def read(path: Path) -> Overlay:
    """The overlay in a file. Raises OverlayError."""
    try:
        if path.exists() and not path.is_file():
            raise OverlayError(f"{path}: this is no file. Name a TOML or JSON file as the overlay.")
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OverlayError(
            f"{path}: the overlay can't be read: {reason}. Mend the path or the file's rights."
        ) from error
    return parse(content, str(path))


def parse(content: bytes, name: str) -> Overlay:
    """The overlay in a file's content: JSON when named so or begun with a brace, else TOML. Raises OverlayError."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = f"0x{content[error.start]:02x}"
        raise OverlayError(f"{name}, line {line}: the byte {byte} is no UTF-8. Save the file as UTF-8.") from error
    language: positions.Language = "JSON" if name.lower().endswith(".json") or text.lstrip().startswith("{") else "TOML"
    try:
        document, lines = positions.read(text, language)
    except positions.SyntaxFault as error:
        where = f"{positions.spelt(error.place)}: " if error.place else ""
        raise OverlayError(f"{name}, line {error.line}: {where}{error}") from error
    overlay = Overlay(name, Catalogue(SLUG), content, hashlib.sha256(content).hexdigest(), lines)
    try:
        shape = FileShape.model_validate(document)
    except ValidationError as error:
        raise _first_mistake(overlay, error) from error
    for slug, provider in shape.providers.items():
        overlay.catalogue.providers[slug] = ProviderClaims(**provider.model_dump())
    for ref, model in shape.models.items():
        overlay.catalogue.models.append(_claims(overlay, ref, model))
    return overlay


def _first_mistake(overlay: Overlay, error: ValidationError) -> OverlayError:
    """The first of pydantic's complaints, by its place in the file, in our words."""

    def place(each: Mapping[str, Any]) -> Place:
        return tuple(step for step in each["loc"] if step != "[key]")

    found = sorted(error.errors(include_url=False), key=lambda each: positions.line(overlay.lines, place(each)))
    first = found[0]
    where = place(first)
    if first["type"] == "extra_forbidden":
        known = known_keys(where)
        near = _nearest(str(where[-1]), known)
        message = f"there is no such key. {near or 'Those there are: ' + ', '.join(known) + '.'}".strip()
    elif first["type"] == "missing":
        message = "it is missing."
    elif first["type"] == "enum":
        known = re.findall(r"'(\w+)'", first["msg"])
        near = _nearest(str(first["input"]).upper(), known)
        message = (
            f"{_shown(first['input'])} is none of its words. {near or 'They are: ' + ', '.join(known) + '.'}".strip()
        )
    else:
        said = ADVICE.get(first["type"]) or first["msg"].removeprefix("Value error, ").rstrip(".")
        message = f"{_shown(first['input'])} can't be taken: {said}."
    others = f" ({len(found) - 1} more after it.)" if len(found) > 1 else ""
    return overlay.mistake(where, message + others)


def _shown(value: Any) -> str:
    text = str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:60] + "…"


def _claims(overlay: Overlay, ref: str, shape: ModelShape) -> ModelClaims:
    place: Place = ("models", ref)
    found = ModelClaims(*_split(ref), aliases=tuple(shape.aliases))
    found.facts = stated_facts(shape)
    found.capabilities = {each.name: True for each in shape.capabilities}
    for index, each in enumerate(shape.without_capabilities):
        if each in shape.capabilities:
            raise overlay.mistake(
                (*place, "without_capabilities", index), f"{each.name} stands in capabilities, too. Keep one of them."
            )
        found.capabilities[each.name] = False
    for name, parameter in shape.parameters.items():
        found.parameters[name] = _parameter(overlay, (*place, "parameters", name), name, parameter)
    found.rates = rates(overlay.mistake, place, shape)
    found.reasons = dict(_reasons(overlay, place, shape, found))
    return found


def _reasons(overlay: Overlay, place: Place, shape: ModelShape, found: ModelClaims) -> Iterator[tuple[str, str]]:
    """Fact -> reason. One for `price` holds for each amount given."""
    meters = {rate.meter for rate in found.rates}
    for name, reason in shape.reasons.items():
        if name == "price" and meters:
            yield from ((f"price.{key}", reason) for key, meter in SHORTHAND.items() if meter in meters)
        elif name in found.facts or (name == "knowledge_cutoff" and shape.knowledge_cutoff):
            yield name, reason
        else:
            raise overlay.mistake((*place, "reasons", name), "the entry says nothing of this. Name a fact it gives.")


def _split(ref: str) -> tuple[str, str]:
    provider, _, slug = ref.partition("/")
    return provider, slug


def _parameter(overlay: Overlay, place: Place, name: str, shape: ParameterShape) -> ParameterClaim:
    low, high = shape.minimum, shape.maximum
    if isinstance(low, Decimal) and isinstance(high, Decimal) and low > high:
        raise overlay.mistake((*place, "minimum"), f"{low} is more than the maximum, {high}.")
    if fault := default_fault(shape):
        raise overlay.mistake((*place, "default"), f"{_shown(shape.default)} can't be the default: {fault}.")
    allowed = None if shape.allowed_values is None else tuple(shape.allowed_values)
    return ParameterClaim(name, shape.supported, shape.label, shape.kind, shape.default, low, high, allowed, shape.note)
