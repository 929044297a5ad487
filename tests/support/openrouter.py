"""A made-up response of OpenRouter's model list: real ids and prices, but none of its texts."""

import json
from typing import Any

COMMON = ["max_tokens", "temperature", "top_p", "stop", "seed", "tools", "tool_choice"]
BASE: dict[str, Any] = {
    "canonical_slug": "acme/any-20260101",
    "name": "Acme: Any",
    "created": 1767225600,
    "description": "",
    "context_length": 128_000,
    "architecture": {
        "modality": "text->text",
        "input_modalities": ["text"],
        "output_modalities": ["text"],
        "tokenizer": "Other",
        "instruct_type": None,
    },
    "top_provider": {"context_length": 128_000, "max_completion_tokens": 16_384, "is_moderated": False},
    "per_request_limits": None,
    "supported_parameters": COMMON,
    "default_parameters": None,
    "supported_voices": None,
    "expiration_date": None,
    "knowledge_cutoff": None,
}


def offer(ref: str, **more: Any) -> dict[str, Any]:
    return BASE | {"id": ref, "links": {"details": f"/api/v1/models/{ref}/endpoints"}} | more


def modalities(*inputs: str, outputs: tuple[str, ...] = ("text",)) -> dict[str, Any]:
    return {**BASE["architecture"], "input_modalities": list(inputs), "output_modalities": list(outputs)}


def top_provider(tokens: int | None) -> dict[str, Any]:
    return {"context_length": None, "max_completion_tokens": tokens, "is_moderated": True}


OFFERS: list[dict[str, Any]] = [
    offer(
        "openai/gpt-4.1-mini",
        canonical_slug="openai/gpt-4.1-mini-2025-04-14",
        name="OpenAI: GPT-4.1 Mini",
        context_length=1_047_576,
        architecture=modalities("file", "image", "text"),
        top_provider=top_provider(32_768),
        supported_parameters=[*COMMON, "response_format", "structured_outputs", "prediction"],
        pricing={
            "prompt": "0.0000004",
            "completion": "0.0000016",
            "request": "0",
            "image": "0",
            "web_search": "0.01",
            "internal_reasoning": "0",
            "input_cache_read": "0.0000001",
        },
    ),
    offer(
        "anthropic/claude-sonnet-4.5",
        canonical_slug="anthropic/claude-4.5-sonnet-20250929",
        name="Anthropic: Claude Sonnet 4.5",
        context_length=1_000_000,
        architecture=modalities("text", "image", "file"),
        top_provider=top_provider(64_000),
        supported_parameters=[*COMMON, "top_k", "reasoning", "include_reasoning"],
        default_parameters={"temperature": 1, "top_p": 1, "top_k": None, "frequency_penalty": None},
        pricing={
            "prompt": "0.000003",
            "completion": "0.000015",
            "input_cache_read": "0.0000003",
            "input_cache_write": "0.00000375",
            "input_cache_write_1h": "0.000006",
            "web_search": "0.01",
            "overrides": [
                {
                    "min_prompt_tokens": 200_000,
                    "prompt": "0.000006",
                    "completion": "0.0000225",
                    "input_cache_read": "0.0000006",
                    "input_cache_write": "0.0000075",
                }
            ],
        },
    ),
    offer(
        "google/gemini-2.5-pro",
        canonical_slug="google/gemini-2.5-pro",
        name="Google: Gemini 2.5 Pro",
        context_length=1_048_576,
        architecture=modalities("text", "image", "file", "audio", "video"),
        top_provider=top_provider(65_536),
        supported_parameters=[*COMMON, "reasoning", "structured_outputs", "response_format"],
        pricing={
            "prompt": "0.00000125",
            "completion": "0.00001",
            "internal_reasoning": "0.00001",
            "input_cache_read": "0.000000125",
            "input_cache_write": "0.000000375",
            "overrides": [
                {"min_prompt_tokens": 200_000, "prompt": "0.0000025", "completion": "0.000015"},
            ],
        },
        expiration_date="2027-06-17",
        knowledge_cutoff="2025-01-31",
    ),
    offer(
        "openai/gpt-5.6-luna",
        canonical_slug="openai/gpt-5.6-luna-20260709",
        name="OpenAI: GPT-5.6 Luna",
        context_length=1_050_000,
        top_provider=top_provider(128_000),
        supported_parameters=["max_tokens", "reasoning", "reasoning_effort", "seed", "tools"],
        reasoning={
            "mandatory": False,
            "default_enabled": True,
            "default_effort": "medium",
            "supported_efforts": ["max", "xhigh", "high", "medium", "low", "none"],
        },
        pricing={"prompt": "0.0000002", "completion": "0.0000012", "input_cache_read": "0.00000002"},
    ),
    offer(
        "perplexity/sonar-pro",
        name="Perplexity: Sonar Pro",
        context_length=200_000,
        architecture=modalities("text", "image"),
        top_provider=top_provider(8_000),
        supported_parameters=["max_tokens", "temperature", "web_search_options"],
        pricing={"prompt": "0.000003", "completion": "0.000015", "web_search": "0.005"},
    ),
    offer(
        "meta-llama/llama-3.3-70b-instruct:free",
        canonical_slug="meta-llama/llama-3.3-70b-instruct",
        name="Meta: Llama 3.3 70B Instruct (free)",
        context_length=65_536,
        top_provider=top_provider(None),
        pricing={"prompt": "0", "completion": "0", "request": "0", "image": "0"},
    ),
    offer(
        "openai/gpt-oss-120b",
        name="OpenAI: gpt-oss-120b",
        context_length=131_072,
        pricing={"prompt": "0.0000001", "completion": "0.0000005"},
    ),
    offer(
        "openrouter/auto",
        canonical_slug="openrouter/auto",
        name="Auto Router",
        context_length=2_000_000,
        architecture=modalities("text", "image", "audio", "file", "video", outputs=("text", "image")),
        top_provider=top_provider(None),
        pricing={"prompt": "-1", "completion": "-1"},
    ),
    offer(
        "~anthropic/claude-opus-latest",
        name="Anthropic: Claude Opus Latest",
        alias_target={"name": "Claude Opus 5.5", "slug": "anthropic/claude-opus-5.5"},
        pricing={"prompt": "-1", "completion": "-1"},
    ),
    offer(
        "openai/gpt-audio",
        canonical_slug="openai/gpt-audio",
        name="OpenAI: GPT Audio",
        architecture=modalities("text", "audio", outputs=("text", "audio")),
        pricing={
            "prompt": "0.0000025",
            "completion": "0.00001",
            "audio": "0.000032",
            "audio_output": "0.000064",
        },
    ),
    offer(
        "google/gemini-2.5-flash-image",
        canonical_slug="google/gemini-2.5-flash-image",
        name="Google: Nano Banana (Gemini 2.5 Flash Image)",
        context_length=32_768,
        architecture=modalities("image", "text", outputs=("image", "text")),
        pricing={
            "prompt": "0.0000003",
            "completion": "0.0000025",
            "image": "0.0000003",
            "image_output": "0.00003",
            "input_cache_read": "0.00000003",
            "input_cache_write": "8.333333333333334e-8",
        },
    ),
]


def listing(*offers: dict[str, Any], **more: Any) -> bytes:
    """The response with some offers, by default with all."""
    data = list(offers) or OFFERS
    return json.dumps({"data": data, "total_count": len(data), "links": {"next": None}} | more).encode()
