"""The form of an id: what is left when spelling is evened out. The same for what is stored and for what is asked."""

import re
from functools import lru_cache
from typing import NamedTuple


class Form(NamedTuple):
    """Equal forms of one maker are one model."""

    numbers: tuple[str, ...]
    """Versions, sizes and four-digit dates, in order."""
    words: tuple[str, ...]
    """Everything else, sorted: makers and sellers disagree on the order (claude-3.5-haiku, claude-haiku-3.5)."""
    day: str = ""
    """YYYYMMDD or YYYYMM."""


BEDROCK_VERSION = re.compile(r"(-\d{8})-v\d(?::\d+)?$|-(?:v?1):\d+$|:\d+$|(?<=-\d)-v1$")
"""-v1:0 and the like number Bedrock's own releases, but after v0 or a bare v2 they belong to the model."""
DAY = re.compile(r"(?<!\d)(20[12]\d)([-.]?)([01]\d)\2([0-3]\d)(?!\d)")
SHORT_DAY = re.compile(r"(?<!\d)(2\d)([01]\d)([0-3]\d)(?!\d)")
MONTH = re.compile(r"(?<!\d)([01]\d)-(20\d\d)(?!\d)")
MONTH_AND_DAY = re.compile(r"(?<![\d.])(0[1-9]|1[0-2])-([0-3]\d)(?![\d.a-z])")
POINT = re.compile(r"(?<=\d)[_p](?=\d)")
LONE_DOT = re.compile(r"(?<!\d)\.|\.(?!\d)")
GLUE = re.compile(r"(?<![a-z0-9.])([a-z]{3,})(?=\d)")
V = re.compile(r"(?<![a-z0-9.])v-?(?=\d)")
SMALL = re.compile(r"(?<![\d.])0-(?=\d+b)")
VERSION = re.compile(r"(?<![\d.])\d{1,2}(?:-\d{1,2})+(?![\da-z.])")
BREAK = re.compile(r"[^a-z0-9.]+")
ZERO = re.compile(r"(?<=\d)(?:\.0)+$")


def spell(text: str) -> str:
    """Evens out case, separators and numbers: Qwen2_5-VL, qwen-2p5-vl and qwen2-5-vl become one text."""
    text = LONE_DOT.sub("-", BREAK.sub("-", POINT.sub(".", text.lower()))).strip("-")
    text = V.sub("", GLUE.sub(r"\1-", text))
    return VERSION.sub(lambda found: found[0].replace("-", "."), SMALL.sub("0.", text))


def form(text: str) -> Form:
    """The form of an id without prefix and routing."""
    return spelt(text)[0]


@lru_cache(maxsize=1 << 16)
def spelt(text: str) -> tuple[Form, str]:
    """The form of an id without prefix and routing, and its text evened out, without its day."""
    text, day = split_day(text.lower())
    text = spell(text)
    numbers: list[str] = []
    words: list[str] = []
    for token in text.split("-"):
        if token.isalpha():
            words.append(token)
        elif token:
            numbers.append(ZERO.sub("", token))
    return Form(tuple(numbers), tuple(sorted(words)), day), text


def split_day(text: str) -> tuple[str, str]:
    """The text without its day, and the day as YYYYMMDD or YYYYMM; a month and day become four digits."""
    if found := DAY.search(text):
        return f"{text[: found.start()]}-{text[found.end() :]}", found[1] + found[3] + found[4]
    if found := MONTH.search(text):
        return f"{text[: found.start()]}-{text[found.end() :]}", found[2] + found[1]
    if (found := SHORT_DAY.search(text)) and "01" <= found[2] <= "12" and "01" <= found[3] <= "31":
        return f"{text[: found.start()]}-{text[found.end() :]}", "20" + found[0]
    return MONTH_AND_DAY.sub(r"\1\2", text), ""
