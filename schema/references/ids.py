"""Normalized ids: a model's id without differences of spelling. Ingest and queries share this reading."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from schema.references import prefixes


class Form(NamedTuple):
    """A normalized id. Equal forms of one maker are one model."""

    numbers: tuple[str, ...]
    """Versions, sizes and four-digit dates, in order."""
    words: tuple[str, ...]
    """Everything else, sorted: providers disagree on the order (claude-3.5-haiku, claude-haiku-3.5)."""
    day: str = ""
    """YYYYMMDD or YYYYMM."""

    @property
    def key(self) -> str:
        """The form as text, as the reference index stores it: claude-haiku/3.5/20241022."""
        return f"{'-'.join(self.words)}/{'-'.join(self.numbers)}/{self.day}"

    @classmethod
    def read(cls, key: str) -> "Form":
        """The form that a key stands for."""
        words, numbers, day = (part.split("-") if part else [] for part in key.split("/"))
        return cls(tuple(numbers), tuple(words), "".join(day))

    @property
    def size(self) -> int:
        """How many words and numbers it has."""
        return len(self.numbers) + len(self.words)

    @property
    def undated(self) -> "Form":
        return self._replace(day="")

    @property
    def settled(self) -> "Form":
        """The form without its day and without "latest": the model, whichever version is meant."""
        return Form(self.numbers, tuple(word for word in self.words if word != "latest"))


class NormalizedId(NamedTuple):
    """A model's id, normalized, without its prefixes."""

    full: Form
    plain: Form
    """Without suffixes that say how it is routed, sold or released."""
    text: str
    """The plain id as text, without its day: near misses are looked for in it."""


BEDROCK_VERSION = re.compile(r"(-\d{8})-v\d(?::\d+)?$|-(?:v?1):\d+$|:\d+$|(?<=-\d)-v1$")
"""Bedrock's own releases: -20240620-v1:0, -v1:0, :0. After v0 or a bare v2 the number belongs to the model."""
BEDROCK_RELEASE = re.compile(r"[-_\s]v\d+:\d+$")
"""The end of an id that only Bedrock writes: -v1:0."""
VENDOR = re.compile(r"(?:([a-z][a-z-]{1,9})\.)?([a-z][a-z0-9]*)\.(?=[a-z])")
"""Bedrock's region and vendor: us.anthropic.claude-opus-4-1."""
VERTEX_RELEASE = re.compile(r"-v\d+(?=@\d{8}$)|@00\d$|(?<=@\d{4})-00\d$")
"""Vertex AI's release, before the day or at the end: claude-3-5-sonnet-v2@20241022, gemini-2.0-flash@001."""
DAY = re.compile(r"(?<!\d)(20[12]\d)([-.]?)([01]\d)\2([0-3]\d)(?!\d)")
"""2025-04-14, 2025.04.14, 20250414"""
SHORT_DAY = re.compile(r"(?<!\d)(2\d)([01]\d)([0-3]\d)(?!\d)")
"""250414"""
MONTH = re.compile(r"(?<!\d)([01]\d)-(20\d\d)(?!\d)")
"""08-2024"""
MONTH_AND_DAY = re.compile(r"(?<![\d.])(0[1-9]|1[0-2])-([0-3]\d)(?![\d.a-z])")
"""05-20 -> 0520"""
POINT = re.compile(r"(?<=\d)[_p](?=\d)")
"""qwen2_5, glm-4p7 -> qwen2.5, glm-4.7"""
LONE_DOT = re.compile(r"(?<!\d)\.|\.(?!\d)")
"""A dot that is not between digits separates words: meta.llama3 -> meta-llama3"""
GLUE = re.compile(r"(?<![a-z0-9.])([a-z]{3,})(?=\d)")
"""qwen2.5 -> qwen-2.5"""
V = re.compile(r"(?<![a-z0-9.])v-?(?=\d)")
"""deepseek-v3 -> deepseek-3"""
SMALL = re.compile(r"(?<![\d.])0-(?=\d+b)")
"""qwen-0-5b -> qwen-0.5b"""
VERSION = re.compile(r"(?<![\d.])\d{1,2}(?:-\d{1,2})+(?![\da-z.])")
"""claude-sonnet-4-5 -> claude-sonnet-4.5"""
BREAK = re.compile(r"[^a-z0-9.]+")
"""command_r / plus -> command-r-plus"""
ZERO = re.compile(r"(?<=\d)(?:\.0)+$")
"""llama-4.0 -> llama-4"""
PLUS = re.compile(r"(?<=\w)\+")
"""command-r+ -> command-r-plus"""
SPACE = re.compile(r"[\s_]+")
"""Together_AI -> Together-AI"""


def normalize_word(part: str) -> str:
    """A part of a reference as the tables write it: "Together_AI" becomes "together-ai"."""
    return SPACE.sub("-", part.strip().lower().lstrip("~"))


def normalize_text(text: str) -> str:
    """Evens out case, separators and numbers: Qwen2_5-VL, qwen-2p5-vl and qwen2-5-vl become one text."""
    text = LONE_DOT.sub("-", BREAK.sub("-", POINT.sub(".", text.lower()))).strip("-")
    text = V.sub("", GLUE.sub(r"\1-", text))
    return VERSION.sub(lambda found: found[0].replace("-", "."), SMALL.sub("0.", text))


def form(text: str) -> Form:
    """The form of an id without prefix and routing."""
    return form_and_text(text)[0]


def form_and_text(text: str) -> tuple[Form, str]:
    """The form of an id without prefix and routing, and the id as normalized text without its day."""
    text, day = split_day(text.lower())
    text = normalize_text(text)
    numbers: list[str] = []
    words: list[str] = []
    for token in text.split("-"):
        if token.isalpha():
            words.append(token)
        elif token:
            numbers.append(ZERO.sub("", token))
    return Form(tuple(numbers), tuple(sorted(words)), day), text


def title_form(name: str) -> Form:
    """The form of a display name: Command R+."""
    return form(PLUS.sub("-plus", name))


def split_day(text: str) -> tuple[str, str]:
    """The text without its day, and the day as YYYYMMDD or YYYYMM; a month and day become four digits."""
    if found := DAY.search(text):
        return f"{text[: found.start()]}-{text[found.end() :]}", found[1] + found[3] + found[4]
    if found := MONTH.search(text):
        return f"{text[: found.start()]}-{text[found.end() :]}", found[2] + found[1]
    if (found := SHORT_DAY.search(text)) and "01" <= found[2] <= "12" and "01" <= found[3] <= "31":
        return f"{text[: found.start()]}-{text[found.end() :]}", "20" + found[0]
    return MONTH_AND_DAY.sub(r"\1\2", text), ""


def without_bedrock_version(name: str) -> str:
    """claude-opus-4-1-20250805-v1:0 -> claude-opus-4-1-20250805, mistral-7b-v0:2 -> mistral-7b-v0.2"""
    return BEDROCK_VERSION.sub(lambda found: found[1] or "", name.replace("v0:", "v0."))


def without_suffixes(name: str, suffixes: Iterable[str]) -> str:
    """Drops what a gateway adds after a colon; other suffixes belong to the model: glm-4.6:free, glm-4.6:thinking."""
    base, *found = name.split(":")
    return "-".join((base, *(suffix for suffix in found if suffix not in suffixes)))


def without_endings(name: str, endings: Iterable[str]) -> str:
    """Drops endings that say how a model is sold: llama-3.3-70b-instruct-maas."""
    for ending in endings:
        if len(name) > len(ending):
            name = name.removesuffix(ending)
    return name


def lower(name: str) -> str:
    """An id in lower case, with its separators evened out."""
    return even_separators(name.lower().lstrip("~"))


def even_separators(name: str) -> str:
    """command-r+ -> command-r-plus, gpt_4_1_mini -> gpt-4-1-mini"""
    name = PLUS.sub("-plus", name)
    # Between digits an underscore is a point if dashes separate the words: llama-3_3-70b.
    return name if "-" in name else name.replace("_", "-")


def unreleased(name: str, *, dotted: bool = False) -> str:
    """A lower-case id without a cloud's release. `dotted` means that the id followed a Bedrock vendor and a dot."""
    if dotted or BEDROCK_RELEASE.search(name):
        name = without_bedrock_version(SPACE.sub("-", name))
    return VERTEX_RELEASE.sub("", name)


def unrouted(name: str) -> str:
    """An id without the suffixes and endings that say how it is routed or sold."""
    return without_endings(without_suffixes(name, prefixes.SUFFIXES), prefixes.ENDINGS)


def without_provider(name: str, provider: str) -> str:
    """databricks-claude-opus-4-6 -> claude-opus-4-6"""
    return name.removeprefix(f"{provider}-") if len(name) > len(provider) + 1 else name


def normalize_id(name: str, providers: Iterable[str] = (), *, dotted: bool = False) -> NormalizedId:
    """Normalizes an id. `providers` are those that may write their own name in front of it."""
    name = unreleased(lower(name), dotted=dotted)
    plain = unrouted(name)
    for provider in providers:
        plain = without_provider(plain, provider)
    return NormalizedId(form(name.replace(":", "-")), *form_and_text(plain))
