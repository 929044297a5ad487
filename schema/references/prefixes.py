"""What gateways, SDKs and clouds write around a model's id. One declared table, for ingest and for queries.

Words are normalized: lower case, with dashes for underscores and spaces. A provider's own slug needs no entry.
"""

import re
from collections.abc import Mapping

_WORDS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    # Labs.
    ("openai",): ("openai-chat", "openai-responses", "text-completion-openai"),
    ("anthropic",): ("anthropic-text",),
    ("google",): (
        "gemini", "google-gla", "google-genai", "google-generative-ai", "google-ai-studio", "googleai", "palm",
    ),
    ("mistral",): ("codestral", "text-completion-codestral"),
    ("cohere",): ("cohere-chat",),
    ("xai",): ("grok",),
    ("perplexity",): ("pplx",),
    ("alibaba", "alibaba-cn"): ("alibaba", "dashscope", "tongyi"),
    ("moonshotai", "moonshotai-cn"): ("moonshot", "moonshotai"),
    ("zhipuai", "zai"): ("zhipu",),
    ("nova",): ("amazon-nova",),
    ("nvidia",): ("nvidia-nim", "nim"),
    ("voyageai",): ("voyage",),
    ("jina",): ("jina-ai",),
    ("ai21",): ("ai21-chat",),
    # Clouds.
    ("amazon-bedrock",): ("bedrock", "bedrock-converse", "bedrock-mantle", "aws-bedrock"),
    ("google-vertex", "google-vertex-anthropic"): (
        "vertex", "vertexai", "vertex-ai", "vertex-ai-beta", "google-vertex", "google-vertexai",
    ),
    ("google-vertex-anthropic", "google-vertex"): ("google-anthropic-vertex",),
    ("azure", "azure-cognitive-services"): ("azure", "azure-ai", "azure-ai-foundry", "azure-openai", "azure-text"),
    ("togetherai",): ("together", "together-ai"),
    ("fireworks-ai",): ("fireworks",),
    ("friendli",): ("friendliai",),
    ("novita-ai",): ("novita",),
    ("sap-ai-core",): ("sap",),
    ("cloudflare-workers-ai",): ("cloudflare", "workers-ai"),
    ("digitalocean",): ("gradient-ai",),
    ("ovhcloud",): ("ovh",),
    # Gateways.
    ("github-models",): ("github",),
    ("vercel",): ("vercel-ai-gateway", "vercel-gateway"),
    # Providers that this registry may not list.
    (): (
        "aiml", "anyscale", "cometapi", "featherless-ai", "heroku", "hyperbolic", "lambda-ai", "nlp-cloud", "oci",
        "predibase", "replicate", "sagemaker", "sagemaker-chat", "sambanova", "snowflake", "volcengine", "watsonx",
        "watsonx-text",
    ),
}  # fmt: skip
PROVIDERS: Mapping[str, tuple[str, ...]] = {word: providers for providers, words in _WORDS.items() for word in words}
"""Word in front of a reference -> the providers it names, the likeliest first; empty if they are not listed here."""

CARRIERS = frozenset(
    {
        "custom", "custom-openai", "gateway", "hf", "hf-inference", "hosted-vllm", "huggingface", "litellm",
        "litellm-proxy", "llamafile", "lm-studio", "ollama", "ollama-chat", "openai-compatible", "openai-like", "tgi",
        "triton", "vllm", "xinference",
    }
)  # fmt: skip
"""Words for programs that pass a reference on or run open weights. Any provider may be meant."""

PATHS = frozenset(
    {
        "1-month-commitment", "6-month-commitment", "@cf", "accounts", "completion", "converse",
        "converse-like", "converse-stream", "data-zone", "endpoints", "eu", "foundation-model", "global",
        "global-standard", "inference-profile", "invoke", "library", "model", "models", "pro", "public", "publishers",
        "qwencoder", "qwenlm", "routers", "serverless", "us", "v1", "v1beta",
    }
)  # fmt: skip
"""Parts of a path that say where or how a model runs, and not which."""

LISTED_PATHS = frozenset(
    {
        "cerebras", "chat-completion", "chutesai", "empiriolabs", "fireworks", "fireworks-ai", "novita", "route",
        "siliconflow", "tee", "unsloth", "workers-ai",
    }
)  # fmt: skip
"""More such parts, in the ids of listings only: ingest skips them to find the maker. In a reference most of them name a
provider; the others (chat-completion, route, tee, unsloth) lead to the makers of what is listed under them, on which
references such as openrouter/routing-run/route/qwen3.6-27b rely."""

REGION = re.compile(r"(?:us|eu|ap|ca|sa|me|af|il|mx)(?:-gov)?-[a-z]+-?\d+")
"""A cloud's region as part of a path: us-east-1, europe-west4 is written eu-west4."""

SUFFIXES = frozenset(
    {
        "0", "beta", "exacto", "floor", "free", "generatecontent", "latest", "nitro", "online", "predict",
        "rawpredict", "streamgeneratecontent", "streamrawpredict",
    }
)  # fmt: skip
"""After a colon: how a gateway routes or bills the request. The model stays the same. A batch is another service, which
answers within a day, so it is not listed."""

ENDINGS = ("-free", "-maas", "-tee", "@default", "@latest")
"""At the end of an id: how it is sold. Free of charge, as a managed service, in an enclave, in the default version."""

HOSTS: Mapping[str, str] = {
    "openrouter.ai": "openrouter",
    "huggingface.co": "huggingface",
    "hf.co": "huggingface",
    "ollama.com": "ollama",
    "build.nvidia.com": "nvidia",
    "deepinfra.com": "deepinfra",
    "fireworks.ai": "fireworks",
    "replicate.com": "replicate",
    "api.openai.com": "openai",
    "platform.openai.com": "openai",
    "vercel.com": "vercel",
}
"""Web site -> the word that its pages stand for, in front of the model's id."""

PAGES = frozenset({"ai-gateway", "api", "blog", "chat", "docs", "docs-models", "models", "playground"})
"""Parts of an address that say what page it is, before the model's id."""

TAILS = frozenset({"activity", "api", "apps", "benchmarks", "blob", "discussions", "providers", "resolve", "tree"})
"""Parts of an address that end the model's id."""

VERTEX = "publishers"
"""Only Vertex AI writes publishers/MAKER/models/ID, with or without a project in front."""
