"""Every enum, each value with its description, and the labels that people read.

Longer than most: this way all closed sets are on one page.
"""

from enum import Enum
from typing import Any

import strawberry
from strawberry import enum_value


def word(name: str, meaning: str) -> Any:
    """An enum value that is stored under its own name."""
    # Strawberry replaces the definition with the plain name when it decorates the class.
    return enum_value(name, description=meaning)


@strawberry.enum(description="What kind of provider it is.")
class ProviderKind(Enum):
    LAB = word("LAB", "Serves models that it trained itself.")
    CLOUD = word("CLOUD", "Hosts models of other companies on its own infrastructure.")
    GATEWAY = word("GATEWAY", "Routes requests to other providers through one API.")
    LOCAL = word("LOCAL", "Software that runs models on your own machine, without a price.")


@strawberry.enum(description="Life cycle stage of a model.")
class ModelStatus(Enum):
    ACTIVE = word("ACTIVE", "Generally available.")
    PREVIEW = word("PREVIEW", "Available early; may change or end at short notice.")
    LEGACY = word("LEGACY", "Still available, but its provider recommends a successor.")
    DEPRECATED = word("DEPRECATED", "Its retirement is announced; plan to migrate.")
    RETIRED = word("RETIRED", "No longer available; listed for its history.")


@strawberry.enum(description="Whether the weights of a model can be downloaded.")
class AccessType(Enum):
    CLOSED = word("CLOSED", "The weights are not public; the model is only available through an API.")
    OPEN_WEIGHTS = word("OPEN_WEIGHTS", "The weights can be downloaded under a license with its own conditions.")
    OPEN_SOURCE = word("OPEN_SOURCE", "The weights can be downloaded under a recognized open-source license.")


@strawberry.enum(description="A content type that a model accepts or produces.")
class Modality(Enum):
    TEXT = word("TEXT", "Plain or formatted text.")
    IMAGE = word("IMAGE", "Still images.")
    AUDIO = word("AUDIO", "Speech, music or other sound.")
    VIDEO = word("VIDEO", "Video.")
    PDF = word("PDF", "PDF documents with their layout.")
    EMBEDDING = word("EMBEDDING", "Embedding vectors.")


@strawberry.enum(description="Something a model can do through its provider's API.")
class Capability(Enum):
    STREAMING = word("STREAMING", "Streams the response.")
    FUNCTION_CALLING = word("FUNCTION_CALLING", "Calls tools that the request defines.")
    PARALLEL_FUNCTION_CALLING = word("PARALLEL_FUNCTION_CALLING", "Calls several tools in one turn.")
    STRUCTURED_OUTPUT = word("STRUCTURED_OUTPUT", "Responds with JSON that follows a given schema.")
    JSON_MODE = word("JSON_MODE", "Responds with valid JSON without a fixed schema.")
    SYSTEM_PROMPT = word("SYSTEM_PROMPT", "Accepts instructions separate from the conversation.")
    REASONING = word("REASONING", "Uses reasoning tokens before it responds.")
    VISION = word("VISION", "Understands images in the input.")
    FILE_INPUT = word("FILE_INPUT", "Accepts files as attachments.")
    AUDIO_INPUT = word("AUDIO_INPUT", "Understands audio in the input.")
    VIDEO_INPUT = word("VIDEO_INPUT", "Understands video in the input.")
    PROMPT_CACHING = word("PROMPT_CACHING", "Caches repeated prompt prefixes and bills them at a different rate.")
    BATCH = word("BATCH", "Processes batches of requests asynchronously, usually at a lower price.")
    FINE_TUNING = word("FINE_TUNING", "Can be fine-tuned on your own examples.")
    DISTILLATION = word("DISTILLATION", "Its stored responses can train a smaller model at the provider.")
    PREDICTED_OUTPUT = word("PREDICTED_OUTPUT", "Responds faster if most of the response is predicted in the request.")
    ASSISTANT_PREFILL = word("ASSISTANT_PREFILL", "Continues a response that the request begins.")
    FILL_IN_THE_MIDDLE = word("FILL_IN_THE_MIDDLE", "Completes text between a prefix and a suffix.")
    LOG_PROBABILITIES = word("LOG_PROBABILITIES", "Returns the log probability of each output token.")
    CITATIONS = word("CITATIONS", "Cites the passages that a response is based on.")
    WEB_SEARCH = word("WEB_SEARCH", "Searches the web with a tool of its provider.")
    URL_CONTEXT = word("URL_CONTEXT", "Reads web pages given in the request with a tool of its provider.")
    FILE_SEARCH = word("FILE_SEARCH", "Searches stored files with a tool of its provider.")
    CODE_EXECUTION = word("CODE_EXECUTION", "Runs code with a tool of its provider.")
    COMPUTER_USE = word("COMPUTER_USE", "Operates a computer by screen, mouse and keyboard.")
    MCP = word("MCP", "Connects to remote Model Context Protocol servers from the provider's side.")
    IMAGE_GENERATION = word("IMAGE_GENERATION", "Generates images.")
    IMAGE_EDITING = word("IMAGE_EDITING", "Edits images.")
    VIDEO_GENERATION = word("VIDEO_GENERATION", "Generates video.")
    SPEECH_GENERATION = word("SPEECH_GENERATION", "Generates speech from text.")
    TRANSCRIPTION = word("TRANSCRIPTION", "Transcribes speech.")
    REALTIME = word("REALTIME", "Holds live conversations with low latency.")
    SAFETY_SETTINGS = word("SAFETY_SETTINGS", "Has content filters that the request can configure.")


@strawberry.enum(description="An API endpoint through which a model is available.")
class Endpoint(Enum):
    CHAT_COMPLETIONS = word("CHAT_COMPLETIONS", "Chat completions in OpenAI's format (/chat/completions).")
    RESPONSES = word("RESPONSES", "The Responses API (/responses).")
    MESSAGES = word("MESSAGES", "The Messages API in Anthropic's format (/messages).")
    GENERATE_CONTENT = word("GENERATE_CONTENT", "Google's generateContent and streamGenerateContent.")
    INTERACTIONS = word("INTERACTIONS", "Google's Interactions API.")
    CHAT = word("CHAT", "A chat API in the provider's own format (/chat).")
    COMPLETIONS = word("COMPLETIONS", "Text completions without roles (/completions).")
    FILL_IN_THE_MIDDLE = word("FILL_IN_THE_MIDDLE", "Completion between a prefix and a suffix (/fim/completions).")
    CONVERSE = word("CONVERSE", "Amazon Bedrock's Converse and ConverseStream.")
    INVOKE_MODEL = word("INVOKE_MODEL", "Amazon Bedrock's InvokeModel.")
    AGENTS = word("AGENTS", "Agents or conversations stored by the provider.")
    ASSISTANTS = word("ASSISTANTS", "OpenAI's Assistants API.")
    EMBEDDINGS = word("EMBEDDINGS", "Embeddings of text or other content (/embeddings, /embed).")
    RERANK = word("RERANK", "Ranking documents by relevance to a query (/rerank).")
    CLASSIFY = word("CLASSIFY", "Text classification (/classify).")
    MODERATION = word("MODERATION", "Detection of harmful content (/moderations).")
    TOKENIZE = word("TOKENIZE", "Converting text to tokens and back (/tokenize).")
    COUNT_TOKENS = word("COUNT_TOKENS", "Counting the tokens of a request before sending it.")
    BATCH = word("BATCH", "Many requests in one file, processed asynchronously (/batches).")
    FINE_TUNING = word("FINE_TUNING", "Fine-tuning on your own examples (/fine_tuning).")
    REALTIME = word("REALTIME", "Live speech and text over WebSocket or WebRTC (/realtime).")
    LIVE = word("LIVE", "Google's Live API.")
    SPEECH = word("SPEECH", "Text to speech (/audio/speech).")
    TRANSCRIPTION = word("TRANSCRIPTION", "Speech to text (/audio/transcriptions).")
    TRANSLATION = word("TRANSLATION", "Speech in any language to English text (/audio/translations).")
    OCR = word("OCR", "Documents and images to text with layout (/ocr).")
    IMAGE_GENERATION = word("IMAGE_GENERATION", "Image generation (/images/generations).")
    IMAGE_EDIT = word("IMAGE_EDIT", "Image editing (/images/edits).")
    VIDEO_GENERATION = word("VIDEO_GENERATION", "Video generation (/videos).")
    SEARCH = word("SEARCH", "Web search without a generated response (/search).")


@strawberry.enum(description="What a model is recommended for.")
class UseCase(Enum):
    TEXT_CHAT = word("TEXT_CHAT", "Conversation and general writing.")
    FUNCTION_CALLING = word("FUNCTION_CALLING", "Calling tools and APIs reliably.")
    CODING = word("CODING", "Writing, reviewing and fixing code.")
    REASONING = word("REASONING", "Problems that need several steps of reasoning.")
    MATH = word("MATH", "Mathematics and formal problems.")
    AGENTS = word("AGENTS", "Long tasks with many steps and tools.")
    COMPUTER_USE = word("COMPUTER_USE", "Operating software through its user interface.")
    LONG_CONTEXT = word("LONG_CONTEXT", "Very long documents, or many at once.")
    VISION = word("VISION", "Understanding images, charts and screenshots.")
    DOCUMENTS = word("DOCUMENTS", "Processing documents: PDFs, scans, forms.")
    AUDIO = word("AUDIO", "Understanding or generating audio.")
    VIDEO = word("VIDEO", "Understanding or generating video.")
    REALTIME_VOICE = word("REALTIME_VOICE", "Spoken conversation with low latency.")
    SPEECH = word("SPEECH", "Text to speech.")
    TRANSCRIPTION = word("TRANSCRIPTION", "Speech to text.")
    TRANSLATION = word("TRANSLATION", "Translation between languages.")
    IMAGE_GENERATION = word("IMAGE_GENERATION", "Generating and editing images.")
    VIDEO_GENERATION = word("VIDEO_GENERATION", "Generating video.")
    EMBEDDING = word("EMBEDDING", "Embeddings for search, clustering and retrieval.")
    RERANK = word("RERANK", "Ranking search results by relevance.")
    SEARCH = word("SEARCH", "Answers based on current web results.")
    RESEARCH = word("RESEARCH", "Long research tasks over many sources.")
    EXTRACTION = word("EXTRACTION", "Extracting structured data from text.")
    SUMMARIZATION = word("SUMMARIZATION", "Summarizing text.")
    CLASSIFICATION = word("CLASSIFICATION", "Classifying and labeling.")
    MODERATION = word("MODERATION", "Detecting harmful content.")
    HIGH_VOLUME = word("HIGH_VOLUME", "Many small requests where cost and speed matter most.")
    CREATIVE_WRITING = word("CREATIVE_WRITING", "Fiction and stylistic writing.")


@strawberry.enum(description="Type of the values of a request parameter.")
class ParameterKind(Enum):
    NUMBER = word("NUMBER", "A number, possibly with a fraction.")
    INTEGER = word("INTEGER", "A whole number.")
    BOOLEAN = word("BOOLEAN", "True or false.")
    ENUM = word("ENUM", "One of allowedValues.")
    STRING = word("STRING", "Free text.")
    OBJECT = word("OBJECT", "A JSON object.")
    ARRAY = word("ARRAY", "A JSON array.")


@strawberry.enum(description="What a rate counts.")
class Meter(Enum):
    INPUT = word("INPUT", "Input tokens without a more specific meter.")
    OUTPUT = word("OUTPUT", "Output tokens without a more specific meter.")
    CACHE_READ = word("CACHE_READ", "Input tokens read from a prompt cache.")
    CACHE_WRITE = word("CACHE_WRITE", "Input tokens written to a prompt cache with its shortest lifetime.")
    CACHE_WRITE_1H = word("CACHE_WRITE_1H", "Input tokens written to a prompt cache with a lifetime of one hour.")
    REASONING = word("REASONING", "Output tokens used for reasoning, if they have their own rate.")
    CITATION = word("CITATION", "Output tokens quoted from sources, if they have their own rate.")
    INPUT_AUDIO = word("INPUT_AUDIO", "Audio input tokens.")
    OUTPUT_AUDIO = word("OUTPUT_AUDIO", "Audio output tokens.")
    CACHE_READ_AUDIO = word("CACHE_READ_AUDIO", "Audio input tokens read from a prompt cache.")
    INPUT_IMAGE = word("INPUT_IMAGE", "Image input tokens.")
    OUTPUT_IMAGE = word("OUTPUT_IMAGE", "Image output tokens.")
    CACHE_READ_IMAGE = word("CACHE_READ_IMAGE", "Image input tokens read from a prompt cache.")
    INPUT_VIDEO = word("INPUT_VIDEO", "Video input tokens.")
    OUTPUT_VIDEO = word("OUTPUT_VIDEO", "Video output tokens.")
    REQUEST = word("REQUEST", "Requests of any size.")
    INPUT_MESSAGE = word("INPUT_MESSAGE", "Text messages sent, in sessions billed by message.")
    INPUT_CHARACTERS = word("INPUT_CHARACTERS", "Input characters.")
    AUDIO_TIME = word("AUDIO_TIME", "Audio duration, input or output.")
    INPUT_AUDIO_TIME = word("INPUT_AUDIO_TIME", "Input audio duration.")
    OUTPUT_AUDIO_TIME = word("OUTPUT_AUDIO_TIME", "Output audio duration.")
    INPUT_PIXELS = word("INPUT_PIXELS", "Pixels of input images.")
    DOCUMENT_PAGE = word("DOCUMENT_PAGE", "Document pages processed.")
    ANNOTATED_DOCUMENT_PAGE = word("ANNOTATED_DOCUMENT_PAGE", "Document pages processed with annotations.")
    RERANK_SEARCH = word("RERANK_SEARCH", "Rerank requests: one query with its documents.")
    WEB_SEARCH = word("WEB_SEARCH", "Web searches with the provider's tool.")
    SOCIAL_SEARCH = word("SOCIAL_SEARCH", "Searches of social posts with the provider's tool.")
    FILE_SEARCH = word("FILE_SEARCH", "Searches of stored files with the provider's tool.")
    CODE_EXECUTION = word("CODE_EXECUTION", "Code executions with the provider's tool.")


@strawberry.enum(description="How much of a meter the amount of a rate pays for.")
class PriceUnit(Enum):
    PER_MILLION_TOKENS = word("PER_MILLION_TOKENS", "Price of 1,000,000 tokens.")
    PER_THOUSAND_REQUESTS = word("PER_THOUSAND_REQUESTS", "Price of 1,000 requests.")
    PER_THOUSAND_SEARCHES = word("PER_THOUSAND_SEARCHES", "Price of 1,000 searches.")
    PER_THOUSAND_EXECUTIONS = word("PER_THOUSAND_EXECUTIONS", "Price of 1,000 code executions.")
    PER_THOUSAND_MESSAGES = word("PER_THOUSAND_MESSAGES", "Price of 1,000 messages.")
    PER_THOUSAND_PAGES = word("PER_THOUSAND_PAGES", "Price of 1,000 document pages.")
    PER_MILLION_CHARACTERS = word("PER_MILLION_CHARACTERS", "Price of 1,000,000 characters.")
    PER_BILLION_PIXELS = word("PER_BILLION_PIXELS", "Price of 1,000,000,000 pixels.")
    PER_HOUR = word("PER_HOUR", "Price of one hour of audio.")
    PER_SECOND = word("PER_SECOND", "Price of one second of audio or video.")
    PER_IMAGE = word("PER_IMAGE", "Price of one image.")


@strawberry.enum(description="How urgently a request is processed; each tier has its own prices.")
class ServiceTier(Enum):
    STANDARD = word("STANDARD", "Real-time processing at the regular price.")
    BATCH = word("BATCH", "Asynchronous batches, usually done within a day.")
    FLEX = word("FLEX", "Lower priority, slower than standard.")
    PRIORITY = word("PRIORITY", "Processed before standard requests.")
    FAST = word("FAST", "The same model with faster output.")


@strawberry.enum(description="Whether a price is known.")
class PricePublication(Enum):
    PUBLISHED = word("PUBLISHED", "A source states the amount.")
    FREE = word("FREE", "Free of charge; the amount is zero.")
    INCLUDED = word("INCLUDED", "Included in a subscription, with no price per use.")
    NOT_PUBLISHED = word("NOT_PUBLISHED", "No source states an amount. It never means free.")


@strawberry.enum(description="Result of the last refresh of a source.")
class SourceStatus(Enum):
    OK = word("OK", "Its latest data is in the registry.")
    STALE = word("STALE", "Not refreshed for longer than expected; its last good data is in use.")
    FAILED = word("FAILED", "The last refresh failed; its last good data is in use.")
    HELD = word("HELD", "Its latest data looks suspicious and waits for an operator; its last good data is in use.")
    DISABLED = word("DISABLED", "Disabled by a setting.")


@strawberry.enum(description="How a reference was matched to a model.")
class ResolutionKind(Enum):
    EXACT = word("EXACT", "The reference is exactly the model's own.")
    ALIAS = word("ALIAS", "The reference is another recorded name of the model.")
    SNAPSHOT = word("SNAPSHOT", "The reference is a dated snapshot of the model.")
    NORMALISED = word("NORMALISED", "The reference matched after normalizing its spelling and prefixes.")
    NONE = word("NONE", "No model matches with certainty; candidates fit equally well or have similar names.")


@strawberry.enum(description="Kind of a change.")
class ChangeKind(Enum):
    MODEL_ADDED = word("MODEL_ADDED", "A model was added.")
    MODEL_RETIRED = word("MODEL_RETIRED", "A model was retired: it left all sources, or a source says so.")
    MODEL_RETURNED = word("MODEL_RETURNED", "A retired model is available again.")
    PRICE_CHANGED = word("PRICE_CHANGED", "A rate was changed, added or removed.")
    LIMIT_CHANGED = word("LIMIT_CHANGED", "A token limit changed.")
    FACT_CHANGED = word("FACT_CHANGED", "Another fact about a model changed.")
    PROVIDER_ADDED = word("PROVIDER_ADDED", "A provider was added.")
    PROVIDER_CHANGED = word("PROVIDER_CHANGED", "A fact about a provider changed.")
    PROVIDER_REMOVED = word("PROVIDER_REMOVED", "A provider was removed: it left all sources.")


@strawberry.enum(description="Direction of an order. Entries without a value come last in both directions.")
class OrderDirection(Enum):
    ASC = word("ASC", "Ascending: smallest, earliest or A first.")
    DESC = word("DESC", "Descending: largest, latest or Z first.")


@strawberry.enum(description="What models can be ordered by.")
class ModelOrderField(Enum):
    RELEVANCE = word("RELEVANCE", "Relevance to the search; without a search, newest release first.")
    NAME = word("NAME", "Display name.")
    RELEASE_DATE = word("RELEASE_DATE", "Release date.")
    CONTEXT_WINDOW = word("CONTEXT_WINDOW", "Context window.")
    MAX_OUTPUT_TOKENS = word("MAX_OUTPUT_TOKENS", "Maximum output.")
    INPUT_PRICE = word("INPUT_PRICE", "Standard input price.")
    OUTPUT_PRICE = word("OUTPUT_PRICE", "Standard output price.")


@strawberry.enum(description="What providers can be ordered by.")
class ProviderOrderField(Enum):
    RELEVANCE = word("RELEVANCE", "Relevance to the search; without a search, by name.")
    NAME = word("NAME", "Display name.")
    MODEL_COUNT = word("MODEL_COUNT", "Number of models it serves.")


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
