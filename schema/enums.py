"""The closed sets of words the registry speaks in: every enum, each value with its meaning."""

from enum import Enum
from typing import Any

import strawberry
from strawberry import enum_value


def word(name: str, meaning: str) -> Any:
    """One enum value whose stored form is its own name, described in the served schema."""
    # Strawberry swaps the definition for the plain name when it decorates the class.
    return enum_value(name, description=meaning)


@strawberry.enum(description="What a provider is to the models it sells.")
class ProviderKind(Enum):
    LAB = word("LAB", "Serves models it trained itself.")
    CLOUD = word("CLOUD", "Hosts models others trained, on its own machines.")
    GATEWAY = word("GATEWAY", "Routes requests to other providers behind one interface.")
    LOCAL = word("LOCAL", "Software that runs models on your own machine; no price applies.")


@strawberry.enum(description="Where a model stands in its life.")
class ModelStatus(Enum):
    ACTIVE = word("ACTIVE", "Offered for general use.")
    PREVIEW = word("PREVIEW", "Offered early; may change or go without long notice.")
    LEGACY = word("LEGACY", "Still offered, but its provider recommends a successor.")
    DEPRECATED = word("DEPRECATED", "Announced to be withdrawn; plan to move.")
    RETIRED = word("RETIRED", "No longer offered; kept here for history.")


@strawberry.enum(description="How far a model's weights can be had.")
class AccessType(Enum):
    CLOSED = word("CLOSED", "Weights are not published; reachable through an API only.")
    OPEN_WEIGHTS = word("OPEN_WEIGHTS", "Weights can be downloaded, under a licence with conditions of its own.")
    OPEN_SOURCE = word("OPEN_SOURCE", "Weights can be downloaded under a recognised open-source licence.")


@strawberry.enum(description="A kind of content a model reads or writes.")
class Modality(Enum):
    TEXT = word("TEXT", "Plain or formatted text.")
    IMAGE = word("IMAGE", "Still pictures.")
    AUDIO = word("AUDIO", "Speech, music or other sound.")
    VIDEO = word("VIDEO", "Moving pictures.")
    PDF = word("PDF", "PDF documents, read with their layout.")
    EMBEDDING = word("EMBEDDING", "Vectors of numbers that place content by meaning.")


@strawberry.enum(description="Something a model can do through its provider's API.")
class Capability(Enum):
    STREAMING = word("STREAMING", "Sends its answer piece by piece while it is made.")
    FUNCTION_CALLING = word("FUNCTION_CALLING", "Calls tools described by the caller.")
    PARALLEL_FUNCTION_CALLING = word("PARALLEL_FUNCTION_CALLING", "Calls several tools in one turn.")
    STRUCTURED_OUTPUT = word("STRUCTURED_OUTPUT", "Answers in JSON that follows a schema the caller gives.")
    JSON_MODE = word("JSON_MODE", "Answers in well-formed JSON, of no fixed schema.")
    SYSTEM_PROMPT = word("SYSTEM_PROMPT", "Takes instructions set apart from the conversation.")
    REASONING = word("REASONING", "Thinks in tokens of its own before it answers.")
    VISION = word("VISION", "Understands pictures in its input.")
    FILE_INPUT = word("FILE_INPUT", "Takes files as attachments to a request.")
    AUDIO_INPUT = word("AUDIO_INPUT", "Understands sound in its input.")
    VIDEO_INPUT = word("VIDEO_INPUT", "Understands video in its input.")
    PROMPT_CACHING = word("PROMPT_CACHING", "Repeated beginnings of prompts are kept and read again at another rate.")
    BATCH = word("BATCH", "Takes requests in bulk, answered later, usually at a lower price.")
    FINE_TUNING = word("FINE_TUNING", "Can be trained further on the caller's own examples.")
    DISTILLATION = word("DISTILLATION", "Its stored answers can train a smaller model through the provider.")
    PREDICTED_OUTPUT = word("PREDICTED_OUTPUT", "Answers faster when much of the answer is given beforehand.")
    ASSISTANT_PREFILL = word("ASSISTANT_PREFILL", "Continues an answer that the caller began.")
    FILL_IN_THE_MIDDLE = word("FILL_IN_THE_MIDDLE", "Completes text between a given beginning and end.")
    LOG_PROBABILITIES = word("LOG_PROBABILITIES", "Reports how likely each produced token was.")
    CITATIONS = word("CITATIONS", "Points to the passages its answer rests on.")
    WEB_SEARCH = word("WEB_SEARCH", "Searches the web by a tool its provider runs.")
    URL_CONTEXT = word("URL_CONTEXT", "Reads web pages named in the request by a tool its provider runs.")
    FILE_SEARCH = word("FILE_SEARCH", "Searches stored files by a tool its provider runs.")
    CODE_EXECUTION = word("CODE_EXECUTION", "Runs code by a tool its provider runs.")
    COMPUTER_USE = word("COMPUTER_USE", "Operates a screen, a pointer and a keyboard.")
    MCP = word("MCP", "Connects to remote Model Context Protocol servers from the provider's side.")
    IMAGE_GENERATION = word("IMAGE_GENERATION", "Makes pictures.")
    IMAGE_EDITING = word("IMAGE_EDITING", "Changes pictures it is given.")
    VIDEO_GENERATION = word("VIDEO_GENERATION", "Makes video.")
    SPEECH_GENERATION = word("SPEECH_GENERATION", "Speaks: makes audio from text.")
    TRANSCRIPTION = word("TRANSCRIPTION", "Writes down speech.")
    REALTIME = word("REALTIME", "Converses over a live connection with low delay.")
    SAFETY_SETTINGS = word("SAFETY_SETTINGS", "Its content filters can be set in the request.")


@strawberry.enum(description="An API surface through which a model is reached.")
class Endpoint(Enum):
    CHAT_COMPLETIONS = word("CHAT_COMPLETIONS", "Chat completions, as OpenAI introduced them (/chat/completions).")
    RESPONSES = word("RESPONSES", "The Responses API (/responses).")
    MESSAGES = word("MESSAGES", "The Messages API, as Anthropic introduced it (/messages).")
    GENERATE_CONTENT = word("GENERATE_CONTENT", "Google's generateContent and streamGenerateContent.")
    INTERACTIONS = word("INTERACTIONS", "Google's Interactions API.")
    CHAT = word("CHAT", "A chat surface of the provider's own (/chat).")
    COMPLETIONS = word("COMPLETIONS", "Text completions without roles (/completions).")
    FILL_IN_THE_MIDDLE = word("FILL_IN_THE_MIDDLE", "Completion between a prefix and a suffix (/fim/completions).")
    CONVERSE = word("CONVERSE", "Amazon Bedrock's Converse and ConverseStream.")
    INVOKE_MODEL = word("INVOKE_MODEL", "Amazon Bedrock's InvokeModel.")
    AGENTS = word("AGENTS", "Agents or conversations kept by the provider.")
    ASSISTANTS = word("ASSISTANTS", "OpenAI's Assistants API.")
    EMBEDDINGS = word("EMBEDDINGS", "Vectors for texts or other content (/embeddings, /embed).")
    RERANK = word("RERANK", "Ordering documents by how well they answer a query (/rerank).")
    CLASSIFY = word("CLASSIFY", "Sorting texts into classes (/classify).")
    MODERATION = word("MODERATION", "Judging content for harm (/moderations).")
    TOKENIZE = word("TOKENIZE", "Turning text into tokens and back (/tokenize).")
    COUNT_TOKENS = word("COUNT_TOKENS", "Counting a request's tokens before it is sent.")
    BATCH = word("BATCH", "Many requests in one file, answered later (/batches).")
    FINE_TUNING = word("FINE_TUNING", "Training on the caller's own examples (/fine_tuning).")
    REALTIME = word("REALTIME", "Live speech and text over WebSocket or WebRTC (/realtime).")
    LIVE = word("LIVE", "Google's Live API.")
    SPEECH = word("SPEECH", "Text to speech (/audio/speech).")
    TRANSCRIPTION = word("TRANSCRIPTION", "Speech to text (/audio/transcriptions).")
    TRANSLATION = word("TRANSLATION", "Speech in any language to English text (/audio/translations).")
    OCR = word("OCR", "Documents and pictures to text with layout (/ocr).")
    IMAGE_GENERATION = word("IMAGE_GENERATION", "Pictures from text (/images/generations).")
    IMAGE_EDIT = word("IMAGE_EDIT", "Pictures from pictures (/images/edits).")
    VIDEO_GENERATION = word("VIDEO_GENERATION", "Video from text or pictures (/videos).")
    SEARCH = word("SEARCH", "Web search without a written answer (/search).")


@strawberry.enum(description="A signal for choosing: what people pick this model for.")
class UseCase(Enum):
    TEXT_CHAT = word("TEXT_CHAT", "Conversation and general writing.")
    FUNCTION_CALLING = word("FUNCTION_CALLING", "Calling tools and APIs dependably.")
    CODING = word("CODING", "Writing, reading and repairing code.")
    REASONING = word("REASONING", "Problems that take several steps of thought.")
    MATH = word("MATH", "Mathematics and formal problems.")
    AGENTS = word("AGENTS", "Long tasks with many steps and tools.")
    COMPUTER_USE = word("COMPUTER_USE", "Operating software through its screen.")
    LONG_CONTEXT = word("LONG_CONTEXT", "Very long documents or many of them at once.")
    VISION = word("VISION", "Understanding pictures, charts and screens.")
    DOCUMENTS = word("DOCUMENTS", "Reading documents: PDF, scans, forms.")
    AUDIO = word("AUDIO", "Understanding or making sound.")
    VIDEO = word("VIDEO", "Understanding or making video.")
    REALTIME_VOICE = word("REALTIME_VOICE", "Spoken conversation without noticeable delay.")
    SPEECH = word("SPEECH", "Turning text into speech.")
    TRANSCRIPTION = word("TRANSCRIPTION", "Turning speech into text.")
    TRANSLATION = word("TRANSLATION", "Translating between languages.")
    IMAGE_GENERATION = word("IMAGE_GENERATION", "Making and changing pictures.")
    VIDEO_GENERATION = word("VIDEO_GENERATION", "Making video.")
    EMBEDDING = word("EMBEDDING", "Vectors for search, clustering and retrieval.")
    RERANK = word("RERANK", "Ordering search results by relevance.")
    SEARCH = word("SEARCH", "Answers grounded in fresh web results.")
    RESEARCH = word("RESEARCH", "Reports from many sources over a long run.")
    EXTRACTION = word("EXTRACTION", "Pulling structured data out of text.")
    SUMMARIZATION = word("SUMMARIZATION", "Shortening and condensing.")
    CLASSIFICATION = word("CLASSIFICATION", "Sorting and labelling.")
    MODERATION = word("MODERATION", "Judging content for harm.")
    HIGH_VOLUME = word("HIGH_VOLUME", "Many small requests where cost and speed decide.")
    CREATIVE_WRITING = word("CREATIVE_WRITING", "Fiction, style and play.")


@strawberry.enum(description="The kind of value a request parameter takes.")
class ParameterKind(Enum):
    NUMBER = word("NUMBER", "A number, fractions allowed.")
    INTEGER = word("INTEGER", "A whole number.")
    BOOLEAN = word("BOOLEAN", "True or false.")
    ENUM = word("ENUM", "One of the allowed values.")
    STRING = word("STRING", "Free text.")
    OBJECT = word("OBJECT", "A JSON object.")
    ARRAY = word("ARRAY", "A JSON array.")


@strawberry.enum(description="What a rate counts.")
class Meter(Enum):
    INPUT = word("INPUT", "Input tokens that no narrower meter covers.")
    OUTPUT = word("OUTPUT", "Output tokens that no narrower meter covers.")
    CACHE_READ = word("CACHE_READ", "Input tokens read from a prompt cache.")
    CACHE_WRITE = word("CACHE_WRITE", "Input tokens written to a prompt cache, at its shortest lifetime.")
    CACHE_WRITE_1H = word("CACHE_WRITE_1H", "Input tokens written to a prompt cache kept for an hour.")
    REASONING = word("REASONING", "Output tokens spent on reasoning, where they have a rate of their own.")
    CITATION = word("CITATION", "Output tokens quoted from sources, where they have a rate of their own.")
    INPUT_AUDIO = word("INPUT_AUDIO", "Audio input tokens.")
    OUTPUT_AUDIO = word("OUTPUT_AUDIO", "Audio output tokens.")
    CACHE_READ_AUDIO = word("CACHE_READ_AUDIO", "Audio input tokens read from a prompt cache.")
    INPUT_IMAGE = word("INPUT_IMAGE", "Image input tokens.")
    OUTPUT_IMAGE = word("OUTPUT_IMAGE", "Image output tokens.")
    CACHE_READ_IMAGE = word("CACHE_READ_IMAGE", "Image input tokens read from a prompt cache.")
    INPUT_VIDEO = word("INPUT_VIDEO", "Video input tokens.")
    OUTPUT_VIDEO = word("OUTPUT_VIDEO", "Video output tokens.")
    REQUEST = word("REQUEST", "Requests, whatever their size.")
    INPUT_MESSAGE = word("INPUT_MESSAGE", "Text messages sent in, where a session is billed by message.")
    INPUT_CHARACTERS = word("INPUT_CHARACTERS", "Input characters.")
    AUDIO_TIME = word("AUDIO_TIME", "Length of audio, heard or made.")
    INPUT_AUDIO_TIME = word("INPUT_AUDIO_TIME", "Length of audio heard.")
    OUTPUT_AUDIO_TIME = word("OUTPUT_AUDIO_TIME", "Length of audio made.")
    INPUT_PIXELS = word("INPUT_PIXELS", "Pixels of pictures sent in.")
    DOCUMENT_PAGE = word("DOCUMENT_PAGE", "Document pages read.")
    ANNOTATED_DOCUMENT_PAGE = word("ANNOTATED_DOCUMENT_PAGE", "Document pages read and annotated.")
    RERANK_SEARCH = word("RERANK_SEARCH", "Rerank searches: one query with its documents.")
    WEB_SEARCH = word("WEB_SEARCH", "Web searches made by the provider's tool.")
    SOCIAL_SEARCH = word("SOCIAL_SEARCH", "Searches of social posts made by the provider's tool.")
    FILE_SEARCH = word("FILE_SEARCH", "Searches of stored files made by the provider's tool.")
    CODE_EXECUTION = word("CODE_EXECUTION", "Runs of code made by the provider's tool.")


@strawberry.enum(description="The amount of a meter that one rate pays for.")
class PriceUnit(Enum):
    PER_MILLION_TOKENS = word("PER_MILLION_TOKENS", "Price of 1,000,000 tokens.")
    PER_THOUSAND_REQUESTS = word("PER_THOUSAND_REQUESTS", "Price of 1,000 requests.")
    PER_THOUSAND_SEARCHES = word("PER_THOUSAND_SEARCHES", "Price of 1,000 searches.")
    PER_THOUSAND_EXECUTIONS = word("PER_THOUSAND_EXECUTIONS", "Price of 1,000 runs of code.")
    PER_THOUSAND_MESSAGES = word("PER_THOUSAND_MESSAGES", "Price of 1,000 messages.")
    PER_THOUSAND_PAGES = word("PER_THOUSAND_PAGES", "Price of 1,000 document pages.")
    PER_MILLION_CHARACTERS = word("PER_MILLION_CHARACTERS", "Price of 1,000,000 characters.")
    PER_BILLION_PIXELS = word("PER_BILLION_PIXELS", "Price of 1,000,000,000 pixels.")
    PER_HOUR = word("PER_HOUR", "Price of one hour of audio.")
    PER_SECOND = word("PER_SECOND", "Price of one second of audio or video.")
    PER_IMAGE = word("PER_IMAGE", "Price of one picture.")


@strawberry.enum(description="How urgently a request is served, each with prices of its own.")
class ServiceTier(Enum):
    STANDARD = word("STANDARD", "The ordinary request, answered at once.")
    BATCH = word("BATCH", "In bulk, answered within a day or so.")
    FLEX = word("FLEX", "Answered when there is room, slower than standard.")
    PRIORITY = word("PRIORITY", "Answered ahead of standard requests.")
    FAST = word("FAST", "The same model at a higher output speed.")


@strawberry.enum(description="What is known of a price.")
class PricePublication(Enum):
    PUBLISHED = word("PUBLISHED", "A source states the amount.")
    FREE = word("FREE", "Offered at no charge; the amount is zero.")
    INCLUDED = word("INCLUDED", "Part of a subscription; there is no price per use.")
    NOT_PUBLISHED = word("NOT_PUBLISHED", "No source states an amount. Never to be read as free.")


@strawberry.enum(description="How a source stands with this registry.")
class SourceStatus(Enum):
    OK = word("OK", "Its latest state is in the registry.")
    STALE = word("STALE", "Not reached for longer than expected; its last good state is in use.")
    FAILED = word("FAILED", "The latest attempt failed; its last good state is in use.")
    HELD = word("HELD", "Its latest state looked broken and waits for an operator; the one before is in use.")
    DISABLED = word("DISABLED", "Switched off by a setting.")


@strawberry.enum(description="How a reference was matched to a model.")
class ResolutionKind(Enum):
    EXACT = word("EXACT", "The reference is the model's own, letter for letter.")
    ALIAS = word("ALIAS", "The reference is another recorded name of the model.")
    SNAPSHOT = word("SNAPSHOT", "The reference is a dated snapshot of the model.")
    NORMALISED = word("NORMALISED", "The reference matched once spelling and prefixes were evened out.")
    NONE = word("NONE", "Nothing matches for certain; candidates fit alike, or are near misses of spelling.")


@strawberry.enum(description="What kind of change a refresh brought.")
class ChangeKind(Enum):
    MODEL_ADDED = word("MODEL_ADDED", "A model appeared.")
    MODEL_RETIRED = word("MODEL_RETIRED", "A model left every source, or its retirement was stated.")
    MODEL_RETURNED = word("MODEL_RETURNED", "A retired model is offered again.")
    PRICE_CHANGED = word("PRICE_CHANGED", "A rate moved, appeared or went.")
    LIMIT_CHANGED = word("LIMIT_CHANGED", "A limit in tokens moved.")
    FACT_CHANGED = word("FACT_CHANGED", "Another fact of a model moved.")
    PROVIDER_ADDED = word("PROVIDER_ADDED", "A provider appeared.")
    PROVIDER_CHANGED = word("PROVIDER_CHANGED", "A fact of a provider moved.")
    PROVIDER_REMOVED = word("PROVIDER_REMOVED", "A provider left every source.")


@strawberry.enum(description="Direction of an order. What has no value comes last either way.")
class OrderDirection(Enum):
    ASC = word("ASC", "Smallest, earliest or first in the alphabet first.")
    DESC = word("DESC", "Largest, latest or last in the alphabet first.")


@strawberry.enum(description="What models can be ordered by.")
class ModelOrderField(Enum):
    RELEVANCE = word("RELEVANCE", "How well the model fits the search; without a search, newest release first.")
    NAME = word("NAME", "Display name.")
    RELEASE_DATE = word("RELEASE_DATE", "Day of release.")
    CONTEXT_WINDOW = word("CONTEXT_WINDOW", "Context window in tokens.")
    MAX_OUTPUT_TOKENS = word("MAX_OUTPUT_TOKENS", "Largest output in tokens.")
    INPUT_PRICE = word("INPUT_PRICE", "Standard price of input.")
    OUTPUT_PRICE = word("OUTPUT_PRICE", "Standard price of output.")


@strawberry.enum(description="What providers can be ordered by.")
class ProviderOrderField(Enum):
    RELEVANCE = word("RELEVANCE", "How well the provider fits the search; without a search, by name.")
    NAME = word("NAME", "Display name.")
    MODEL_COUNT = word("MODEL_COUNT", "Number of models it sells.")
