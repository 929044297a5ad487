"""Labels of enum members and fields for people: FUNCTION_CALLING is "Function calling", PDF stays "PDF"."""

from enum import Enum

SPECIAL_LABELS = {
    "ASC": "Ascending",
    "AUDIO_TIME": "Audio duration",
    "CACHE_READ": "Cached input",
    "CACHE_READ_AUDIO": "Cached audio",
    "CACHE_READ_IMAGE": "Cached images",
    "CACHE_WRITE_1H": "Cache write, 1 hour",
    "DESC": "Descending",
    "FINE_TUNING": "Fine-tuning",
    "HELD": "Held back",
    "INPUT_AUDIO_TIME": "Input audio duration",
    "JSON_MODE": "JSON mode",
    "KNOWLEDGE_CUTOFF_TEXT": "Knowledge cutoff",
    "MAX_INPUT_TOKENS": "Maximum input tokens",
    "MAX_OUTPUT_TOKENS": "Maximum output tokens",
    "MCP": "MCP",
    "NORMALISED": "Normalized",
    "NOT_PUBLISHED": "Unknown",
    "OCR": "OCR",
    "OK": "OK",
    "OUTPUT_AUDIO_TIME": "Output audio duration",
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
"""Labels that are not simply the name in lower case."""


def label(member: str | Enum) -> str:
    """The label of an enum member, or of its name."""
    name = member if isinstance(member, str) else member.name
    return SPECIAL_LABELS.get(name) or name.replace("_", " ").capitalize()
