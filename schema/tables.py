"""Every table. The sentence under a column is its comment and its description in the API.

Longer than most: this way all foreign keys can be read together.
"""

from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from schema.column_types import ExactDecimal, ExactJson, Instant
from schema.enums import (
    AccessType,
    ChangeKind,
    Meter,
    ModelStatus,
    ParameterKind,
    PricePublication,
    PriceUnit,
    ProviderKind,
    ServiceTier,
    SourceStatus,
)

LAYOUT = 4
"""Version of the tables. Increase it with every change to one, and add a step to `server/database/migrations.py`."""


def word(enum: type[Enum]) -> Any:
    """A column of an enum, stored by name. Not a native type, so that a new value needs no ALTER TYPE."""
    return sa.Enum(enum, native_enum=False, create_constraint=False, length=40)


class Table(SQLModel):
    model_config = {"use_attribute_docstrings": True}
    __tablename__: ClassVar[Any]


def table(model: type[Table]) -> sa.Table:
    """The SQLAlchemy table of a class."""
    return Table.metadata.tables[str(model.__tablename__)]


class Layout(Table, table=True):
    """The layout of the tables in this database."""

    number: int = Field(primary_key=True)


class Source(Table, table=True):
    """A source of data: a feed, the curated files or the operator's overlay."""

    slug: str = Field(primary_key=True)
    """Short identifier of the source: models-dev, genai-prices, curated."""
    name: str
    """Display name."""
    url: str | None = None
    """Where the source is described or fetched from; null for local files."""
    license: str | None = None
    """License of its data, an SPDX identifier; null if unknown."""
    trust: int
    """Rank of trust: the source with the lowest number wins."""
    status: SourceStatus = Field(sa_type=word(SourceStatus))
    """Result of its last refresh."""
    last_attempt_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the registry last tried to refresh it; null if never."""
    last_success_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it was last refreshed successfully; null if never."""
    last_error: str | None = None
    """Why the last refresh failed or was held back; null if it succeeded."""
    model_count: int = 0
    """Number of models it has data about."""
    quarantined_count: int = 0
    """Number of its entries that are invalid and were left out."""
    edition: str | None = None
    """Fingerprint of its content in the registry."""


class Edition(Table, table=True):
    """The last good content of a feed, which is used again when the feed can't be reached or is held back."""

    source_slug: str = Field(primary_key=True)
    content: bytes
    """The response body, compressed with zlib."""
    fingerprint: str
    """SHA-256 of the body."""
    etag: str | None = None
    """The response's ETag, for the next request."""
    last_modified: str | None = None
    """The response's Last-Modified, for the next request."""
    fetched_at: datetime = Field(sa_type=Instant)
    """When it was fetched."""


class Revision(Table, table=True):
    """A state of the whole registry. Every response is read from exactly one revision."""

    number: int = Field(primary_key=True)
    """Increases by one with every refresh that changes something."""
    created_at: datetime = Field(sa_type=Instant)
    """When this revision was published."""
    change_count: int = 0
    """Number of changes compared with the previous revision; 0 for the first load, which is the baseline."""
    inputs: str | None = None
    """Fingerprint of what it was merged from: a refresh with the same inputs has nothing to do."""


class Provider(Table, table=True):
    """A company or a program that serves models through an API."""

    slug: str = Field(primary_key=True)
    """Identifier used in references: openai, amazon-bedrock."""
    name: str = Field(index=True)
    """Display name."""
    kind: ProviderKind = Field(sa_type=word(ProviderKind), index=True)
    """Whether it serves its own models, hosts or routes to those of others, or runs locally. Source: curated."""
    website_url: str | None = None
    """Home page; null if unknown. Source: curated."""
    docs_url: str | None = None
    """Documentation of its API or models; null if unknown. Sources: curated, models.dev."""
    api_base_url: str | None = None
    """Base URL of its API; may contain ${VARIABLES} to fill in; null if unknown. Sources: curated, models.dev."""
    credential_variables: list[str] = Field(default_factory=list, sa_type=ExactJson)
    """Environment variables from which clients read credentials: OPENAI_API_KEY. Source: models.dev."""
    model_count: int = 0
    """Number of models it serves or used to serve, including retired ones."""


class Family(Table, table=True):
    """A line of models that share a name: GPT-4.1, Claude Sonnet."""

    slug: str = Field(primary_key=True)
    """Identifier of the family: gpt-4.1, claude-sonnet."""
    name: str = Field(index=True)
    """Display name."""
    default_model_ref: str | None = None
    """Reference of the model to start with. Source: curated."""
    model_count: int = 0
    """Number of models in the family at all providers, including retired ones."""


NEWEST_FIRST = (sa.text("(release_date IS NULL)"), sa.text("release_date DESC"), "ref")
"""The default order of models, for indexes."""


class Model(Table, table=True):
    """One model as one provider serves it."""

    __table_args__ = (
        sa.Index("model_newest", *NEWEST_FIRST),
        sa.Index("model_newest_by_provider", "provider_slug", *NEWEST_FIRST),
        sa.Index("model_cheapest", sa.text("(price_input IS NULL)"), "price_input", "ref"),
        sa.Index("model_cheapest_output", sa.text("(price_output IS NULL)"), "price_output", "ref"),
        sa.Index("model_largest", sa.text("(context_window IS NULL)"), "context_window", "ref"),
        sa.Index("model_largest_output", sa.text("(max_output_tokens IS NULL)"), "max_output_tokens", "ref"),
        sa.Index("model_name", "name", "ref"),
        sa.Index("model_versions", "provider_slug", "version_of"),
    )

    id: int | None = Field(default=None, primary_key=True)
    ref: str = Field(unique=True)
    """Reference, unique in the registry: provider and model id, as in openai/gpt-4.1-mini."""
    provider_slug: str = Field(foreign_key="provider.slug")
    slug: str = Field(index=True)
    """Model id to send in the provider's API calls."""
    name: str
    """Display name."""
    family_slug: str | None = Field(default=None, foreign_key="family.slug", index=True)
    canonical: str | None = Field(default=None, index=True)
    """Identity that the same model has at all providers: maker/model."""
    version_of: str | None = None
    """Identity of all dated versions of a model at one provider: the undated slug."""
    is_latest_version: bool = True
    """True if it is the newest of its versions, or the only one."""
    status: ModelStatus = Field(sa_type=word(ModelStatus), index=True)
    """Life cycle stage. Sources: curated, models.dev."""
    access_type: AccessType = Field(sa_type=word(AccessType), index=True)
    """Whether its weights can be downloaded. Sources: curated, models.dev."""
    license: str | None = None
    """License of the model, a lowercase SPDX identifier if there is one; null if unknown. Source: curated."""
    parameter_size: str | None = None
    """Number of weights as published by its maker: 72B; null if unknown. Source: curated."""
    tagline: str | None = None
    """One-line summary; null if there is none. Source: curated."""
    description: str | None = None
    """Description in a few sentences; null if there is none. Source: curated."""
    best_for: str | None = None
    """What it is best used for, in a phrase; null if there is none. Source: curated."""
    is_flagship: bool = False
    """True if it is its provider's top model. Source: curated."""
    is_recommended: bool = False
    """True if its provider recommends starting with it. Source: curated."""
    context_window: int | None = None
    """Maximum input plus output, in tokens; null if unknown. Sources: curated, genai-prices, models.dev."""
    max_input_tokens: int | None = None
    """Maximum input, in tokens, if it has its own limit below the context window; null if not, or if unknown.
    Sources: curated, models.dev."""
    max_output_tokens: int | None = None
    """Maximum output, in tokens; null if unknown. Sources: curated, models.dev."""
    price_input: Decimal | None = Field(default=None, sa_type=ExactDecimal)
    """Price of 1M input tokens in USD; null if unknown or included. Sources: genai-prices, models.dev."""
    price_output: Decimal | None = Field(default=None, sa_type=ExactDecimal)
    """Price of 1M output tokens in USD; null if unknown or included. Sources: genai-prices, models.dev."""
    price_cache_read: Decimal | None = Field(default=None, sa_type=ExactDecimal)
    """Price of 1M input tokens read from a prompt cache in USD; null if unknown or included.
    Sources: genai-prices, models.dev."""
    price_cache_write: Decimal | None = Field(default=None, sa_type=ExactDecimal)
    """Price of 1M input tokens written to a prompt cache in USD; null if unknown or included.
    Sources: genai-prices, models.dev."""
    price_publication: PricePublication = Field(sa_type=word(PricePublication), index=True)
    """Whether the price is known. NOT_PUBLISHED never means free."""
    knowledge_cutoff: date | None = None
    """First day of the period in which its training data ends; null if unknown. knowledgeCutoffText has the precision.
    Sources: curated, models.dev."""
    knowledge_cutoff_text: str | None = None
    """End of its training data as published: YYYY, YYYY-MM or YYYY-MM-DD; null if unknown.
    Sources: curated, models.dev."""
    release_date: date | None = None
    """Day it was released; null if unknown. Sources: curated, models.dev."""
    deprecation_date: date | None = None
    """Day its deprecation took or takes effect; null if none is announced. Source: curated."""
    retirement_date: date | None = None
    """Day it was or will be retired; null if none is announced. Source: curated, else the day it left all sources."""
    updated_at: datetime = Field(sa_type=Instant)
    """When a refresh last changed anything about this model in the registry."""
    search_prior: int = 0
    """Tie-breaker of search: makers before resellers, current models before retired ones."""
    search_length: int = 0
    """Number of terms in its name: of two names that match a search, the shorter one fits better."""
    fingerprint: str
    """Hash of everything the registry has about this model: a refresh writes it only if that differs."""


class Rate(Table, table=True):
    """One rate: the price of one meter at one service tier, above one context size, in one period."""

    id: int | None = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id", index=True)
    position: int
    """Position in the list of the model's rates: by tier, context size, meter and time."""
    service_tier: ServiceTier = Field(sa_type=word(ServiceTier))
    """The service tier it applies to."""
    meter: Meter = Field(sa_type=word(Meter))
    """What is counted."""
    amount: Decimal | None = Field(default=None, sa_type=ExactDecimal)
    """Price of one unit, in the currency; null if unknown or included in a subscription; "0" means free."""
    publication: PricePublication = Field(sa_type=word(PricePublication))
    """Whether the price is known."""
    currency: str = "USD"
    """Currency of the amount, an ISO 4217 code."""
    unit: PriceUnit = Field(sa_type=word(PriceUnit))
    """How much of the meter the amount pays for."""
    min_context_tokens: int = 0
    """The rate applies to requests with more input tokens than this; 0 is the base rate."""
    daily_from: time | None = None
    """Time of day, UTC, from which the rate is in force."""
    daily_to: time | None = None
    """Time of day, UTC, at which it ends."""
    effective_from: date | None = None
    """First day the rate is in force; null if no source gives one."""
    effective_to: date | None = None
    """First day on which the rate no longer applies; null if no end is known."""
    source_slug: str = Field(foreign_key="source.slug")
    observed: bool = False
    """True if the registry observed the period, false if the source states it."""


class Parameter(Table, table=True):
    """A request parameter of a model."""

    __table_args__ = (sa.Index("parameter_name", "name", "supported", "model_id"),)

    id: int | None = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id", index=True)
    position: int
    """Position in the list of the model's parameters."""
    name: str
    """Name in the provider's API: temperature, topP."""
    label: str
    """Display name: Temperature."""
    kind: ParameterKind = Field(sa_type=word(ParameterKind))
    """Type of its values."""
    supported: bool = True
    """False if the API rejects or ignores it for this model."""
    default: Any = Field(default=None, sa_type=ExactJson, nullable=True)
    """Value used if the request has none; null if unknown."""
    minimum: Decimal | None = Field(default=None, sa_type=ExactDecimal)
    """Smallest valid value; null if there is none, or if unknown."""
    maximum: Decimal | None = Field(default=None, sa_type=ExactDecimal)
    """Largest valid value; null if there is none, or if unknown."""
    allowed_values: list[str] | None = Field(default=None, sa_type=ExactJson, nullable=True)
    """All valid values, if the set is closed; null if not, or if unknown."""
    note: str | None = None
    """Anything else to know about it; null if nothing."""
    source_slug: str = Field(foreign_key="source.slug")


class TraitKind(Enum):
    """The kinds of traits of a model."""

    INPUT_MODALITY = "INPUT_MODALITY"
    OUTPUT_MODALITY = "OUTPUT_MODALITY"
    CAPABILITY = "CAPABILITY"
    ENDPOINT = "ENDPOINT"
    USE_CASE = "USE_CASE"


class Trait(Table, table=True):
    """A trait of a model: a modality, a capability, an endpoint or a use case.

    One table for all five, so that a page of models needs one statement for any of them.
    """

    __table_args__ = (sa.Index("trait_value", "kind", "value", "model_id"),)

    model_id: int = Field(foreign_key="model.id", primary_key=True)
    kind: TraitKind = Field(sa_type=word(TraitKind), primary_key=True)
    value: str = Field(primary_key=True)


class AliasKind(Enum):
    """The kinds of other names."""

    ALIAS = "ALIAS"
    SNAPSHOT = "SNAPSHOT"


class Alias(Table, table=True):
    """Another name of a model at its provider."""

    __table_args__ = (sa.Index("alias_name", "name", "model_id"),)

    model_id: int = Field(foreign_key="model.id", primary_key=True)
    name: str = Field(primary_key=True)
    """The other name, as people write it."""
    kind: AliasKind = Field(sa_type=word(AliasKind))


class Term(Table, table=True):
    """A term by which search finds a model."""

    term: str = Field(primary_key=True)
    model_id: int = Field(foreign_key="model.id", primary_key=True, index=True)
    weight: int
    """Weight of the most important field that has the term."""


class ReferenceKind(Enum):
    """What a key of the reference index is made of."""

    FULL = "FULL"
    PLAIN = "PLAIN"
    ALIAS = "ALIAS"
    TITLE = "TITLE"
    TEXT = "TEXT"


class Reference(Table, table=True):
    """A key under which references find a model: its id, another name or its title, normalized."""

    __table_args__ = (sa.Index("reference_model", "model_id", "kind"),)

    kind: ReferenceKind = Field(sa_type=word(ReferenceKind), primary_key=True)
    """FULL: the whole id. PLAIN: the id without suffixes for routing or billing. ALIAS: another name. TITLE: the
    display name. TEXT: the plain id as text, for near misses."""
    key: str = Field(primary_key=True)
    """Words, numbers and day, normalized: gpt-mini/4.1/."""
    model_id: int = Field(foreign_key="model.id", primary_key=True)
    region: str = ""
    """The cloud region in front of the id; only FULL keys have one."""


class PrefixKind(Enum):
    """What a word in front of an id stands for."""

    MAKER = "MAKER"
    PATH = "PATH"
    SERVES = "SERVES"
    OWN = "OWN"


class Prefix(Table, table=True):
    """A word in front of ids, and the maker it stands for."""

    text: str = Field(primary_key=True)
    """The word, normalized. For SERVES and OWN, the slug of a lab."""
    kind: PrefixKind = Field(sa_type=word(PrefixKind), primary_key=True)
    """MAKER: the word names a maker. PATH: it occurs before a slash in some id. SERVES: the lab serves models of this
    maker. OWN: the lab itself is this maker."""
    maker: str = Field(default="", primary_key=True)
    """The maker; empty for PATH."""


class Claim(Table, table=True):
    """What one source says about one fact of a model."""

    model_id: int = Field(foreign_key="model.id", primary_key=True)
    field: str = Field(primary_key=True)
    """The fact: the name of a field of Model in the API; dots lead to nested fields: price.input."""
    source_slug: str = Field(foreign_key="source.slug", primary_key=True)
    rank: int
    """0 for the claim the registry uses; the others follow in order of trust."""
    value: Any = Field(default=None, sa_type=ExactJson, nullable=True)
    """The value it states. Amounts of money are strings."""
    disputed: bool = False
    """Whether this claim differs from the one the registry uses."""
    reason: str | None = None
    """Why the registry uses this claim, if a rule or a person decided against the order of trust."""
    observed_at: datetime = Field(sa_type=Instant)
    """When the registry first saw the source state this value."""


class Change(Table, table=True):
    """A change between two revisions."""

    # Each ends with the id, by which changes are ordered.
    __table_args__ = (
        sa.Index("change_by_revision", "revision_number", "id"),
        sa.Index("change_by_kind", "kind", "id"),
        sa.Index("change_by_model", "model_ref", "id"),
        sa.Index("change_by_provider", "provider_slug", "id"),
        sa.Index("change_by_field", "field", "id"),
        sa.Index("change_by_time", "observed_at", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    """Increases with every change, in the order they were made."""
    revision_number: int = Field(foreign_key="revision.number")
    kind: ChangeKind = Field(sa_type=word(ChangeKind))
    """Kind of change."""
    model_ref: str | None = None
    provider_slug: str | None = None
    field: str | None = None
    """The fact that changed, named as in facts; null if a whole model or provider was added or removed."""
    before: Any = Field(default=None, sa_type=ExactJson, nullable=True)
    """The value before the change; null if there was none. Amounts of money are strings."""
    after: Any = Field(default=None, sa_type=ExactJson, nullable=True)
    """The value after the change; null if there is none. Amounts of money are strings."""
    observed_at: datetime = Field(sa_type=Instant)
    """When the refresh that made the change ran."""


REGISTRY: tuple[type[Table], ...] = tuple(Table.__subclasses__())
"""Every table, in the order they are declared: parents before children."""
