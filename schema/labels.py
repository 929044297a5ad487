"""How the closed sets and the facts read for people: FUNCTION_CALLING is "Function calling", PDF stays "PDF"."""

from enum import Enum

WHOLE = {
    "AI": "AI",
    "API": "API",
    "ASC": "Ascending",
    "AUDIO_TIME": "Audio by length",
    "CACHE_READ": "Cached input",
    "CACHE_READ_AUDIO": "Cached audio",
    "CACHE_READ_IMAGE": "Cached images",
    "CACHE_WRITE_1H": "Cache write, 1 hour",
    "DESC": "Descending",
    "FINE_TUNING": "Fine-tuning",
    "INPUT_AUDIO_TIME": "Input audio by length",
    "JSON_MODE": "JSON mode",
    "KNOWLEDGE_CUTOFF_TEXT": "Knowledge cutoff",
    "LAB": "Lab",
    "LICENSE": "Licence",
    "MAX_INPUT_TOKENS": "Maximum input tokens",
    "MAX_OUTPUT_TOKENS": "Maximum output tokens",
    "MCP": "MCP",
    "NOT_PUBLISHED": "Not published",
    "OCR": "OCR",
    "OK": "OK",
    "OUTPUT_AUDIO_TIME": "Output audio by length",
    "PDF": "PDF",
    "PER_BILLION_PIXELS": "per billion pixels",
    "PER_HOUR": "per hour",
    "PER_IMAGE": "per image",
    "PER_MILLION_CHARACTERS": "per 1M characters",
    "PER_MILLION_TOKENS": "per 1M tokens",
    "PER_SECOND": "per second",
    "PER_THOUSAND_EXECUTIONS": "per 1,000 runs",
    "PER_THOUSAND_MESSAGES": "per 1,000 messages",
    "PER_THOUSAND_PAGES": "per 1,000 pages",
    "PER_THOUSAND_REQUESTS": "per 1,000 requests",
    "PER_THOUSAND_SEARCHES": "per 1,000 searches",
    "URL_CONTEXT": "URL context",
}
"""Words that are not their name in lower case."""


def label(word: str | Enum) -> str:
    """A word of a closed set as people read it."""
    name = word if isinstance(word, str) else word.name
    return WHOLE.get(name) or name.replace("_", " ").capitalize()
