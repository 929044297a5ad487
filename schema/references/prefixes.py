"""What gateways, SDKs and clouds write around a model's id. One declared table, for ingest and for queries.

Words are normalized: lower case, with dashes for underscores and spaces. A provider's own slug needs no entry.
"""

import re
from collections.abc import Mapping

PROVIDERS: Mapping[str, tuple[str, ...]] = {
    # Labs.
    "openai-chat": ("openai",),
    "openai-responses": ("openai",),
    "text-completion-openai": ("openai",),
    "anthropic-text": ("anthropic",),
    "gemini": ("google",),
    "google-gla": ("google",),
    "google-genai": ("google",),
    "google-generative-ai": ("google",),
    "google-ai-studio": ("google",),
    "googleai": ("google",),
    "palm": ("google",),
    "codestral": ("mistral",),
    "text-completion-codestral": ("mistral",),
    "cohere-chat": ("cohere",),
    "grok": ("xai",),
    "pplx": ("perplexity",),
    "alibaba": ("alibaba", "alibaba-cn"),
    "dashscope": ("alibaba", "alibaba-cn"),
    "tongyi": ("alibaba", "alibaba-cn"),
    "moonshot": ("moonshotai", "moonshotai-cn"),
    "moonshotai": ("moonshotai", "moonshotai-cn"),
    "zhipu": ("zhipuai", "zai"),
    "amazon-nova": ("nova",),
    "nvidia-nim": ("nvidia",),
    "nim": ("nvidia",),
    "voyage": ("voyageai",),
    "jina-ai": ("jina",),
    "ai21-chat": ("ai21",),
    # Clouds.
    "bedrock": ("amazon-bedrock",),
    "bedrock-converse": ("amazon-bedrock",),
    "bedrock-mantle": ("amazon-bedrock",),
    "aws-bedrock": ("amazon-bedrock",),
    "vertex": ("google-vertex", "google-vertex-anthropic"),
    "vertexai": ("google-vertex", "google-vertex-anthropic"),
    "vertex-ai": ("google-vertex", "google-vertex-anthropic"),
    "vertex-ai-beta": ("google-vertex", "google-vertex-anthropic"),
    "google-vertex": ("google-vertex", "google-vertex-anthropic"),
    "google-vertexai": ("google-vertex", "google-vertex-anthropic"),
    "google-anthropic-vertex": ("google-vertex-anthropic", "google-vertex"),
    "azure": ("azure", "azure-cognitive-services"),
    "azure-ai": ("azure", "azure-cognitive-services"),
    "azure-ai-foundry": ("azure", "azure-cognitive-services"),
    "azure-openai": ("azure", "azure-cognitive-services"),
    "azure-text": ("azure", "azure-cognitive-services"),
    "together": ("togetherai",),
    "together-ai": ("togetherai",),
    "fireworks": ("fireworks-ai",),
    "friendliai": ("friendli",),
    "novita": ("novita-ai",),
    "sap": ("sap-ai-core",),
    "cloudflare": ("cloudflare-workers-ai",),
    "workers-ai": ("cloudflare-workers-ai",),
    "gradient-ai": ("digitalocean",),
    "ovh": ("ovhcloud",),
    # Gateways.
    "github": ("github-models",),
    "vercel-ai-gateway": ("vercel",),
    "vercel-gateway": ("vercel",),
    "aiml": (),
    # Providers that this registry may not list.
    "anyscale": (),
    "cometapi": (),
    "featherless-ai": (),
    "heroku": (),
    "hyperbolic": (),
    "lambda-ai": (),
    "nlp-cloud": (),
    "oci": (),
    "predibase": (),
    "replicate": (),
    "sagemaker": (),
    "sagemaker-chat": (),
    "sambanova": (),
    "snowflake": (),
    "volcengine": (),
    "watsonx": (),
    "watsonx-text": (),
}
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
