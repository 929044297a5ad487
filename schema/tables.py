"""All tables on one page, so that foreign keys can be read together.

The sentence under a column is the comment, the API's description and the documentation.

Longer than most: a table in a file of its own would hide which keys point at it.
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

LAYOUT = 3
"""Number of this layout; raise it with every change of a table, and add a step to `server/database/migrations.py`."""


def word(enum: type[Enum]) -> Any:
    """The column of a closed set, stored by name. Not native, so that a new word needs no ALTER TYPE."""
    return sa.Enum(enum, native_enum=False, create_constraint=False, length=40)


class Table(SQLModel):
    model_config = {"use_attribute_docstrings": True}
    __tablename__: ClassVar[Any]


class Layout(Table, table=True):
    """Which layout the tables of this database have."""

    __tablename__ = "layout"

    number: int = Field(primary_key=True)


class Source(Table, table=True):
    """Where facts come from."""

    __tablename__ = "source"

    slug: str = Field(primary_key=True)
    """Short name of the source: models-dev, genai-prices, curated."""
    name: str
    """Display name of the source."""
    url: str | None = None
    """Where the source is fetched from or described."""
    license: str | None = None
    """SPDX identifier of the licence its facts come under."""
    trust: int
    """Rank of trust; the lowest number is believed first."""
    status: SourceStatus = Field(sa_type=word(SourceStatus))
    """How the source stood when it was last asked."""
    last_attempt_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the source was last asked."""
    last_success_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the source last answered with something usable."""
    last_error: str | None = None
    """What went wrong at the last attempt, if it failed."""
    model_count: int = 0
    """Number of models it makes claims about."""
    quarantined_count: int = 0
    """Number of its entries that failed validation and were left out."""
    edition: str | None = None
    """Fingerprint of the content in the registry."""


class Edition(Table, table=True):
    """The last good content of a source that is fetched: what is replayed when it can't be reached or looks broken."""

    __tablename__ = "edition"

    source_slug: str = Field(primary_key=True)
    content: bytes
    """The answer's body, compressed with zlib."""
    fingerprint: str
    """SHA-256 of the body."""
    etag: str | None = None
    """The answer's ETag, sent along with the next request."""
    last_modified: str | None = None
    """The answer's Last-Modified, sent along with the next request."""
    fetched_at: datetime = Field(sa_type=Instant)
    """When it was fetched."""


class Revision(Table, table=True):
    """A state of the whole registry; every answer comes from exactly one."""

    __tablename__ = "revision"

    number: int = Field(primary_key=True)
    """Counts up by one with every refresh that changed something."""
    created_at: datetime = Field(sa_type=Instant)
    """When this state came into force."""
    change_count: int = 0
    """Number of changes against the revision before; 0 for the first load, which is the base line."""
    inputs: str | None = None
    """Fingerprint of what it was merged from: a refresh that finds the same has nothing to do."""


class Provider(Table, table=True):
    """A company or program that serves models through an API."""

    __tablename__ = "provider"

    slug: str = Field(primary_key=True)
    """Short name used in references: openai, amazon-bedrock."""
    name: str = Field(index=True)
    """Display name."""
    kind: ProviderKind = Field(sa_type=word(ProviderKind), index=True)
    """What the provider is to the models it sells. Source: curated."""
    website_url: str | None = None
    """Home page. Source: curated."""
    docs_url: str | None = None
    """Documentation of its models or API. Sources: curated, models.dev."""
    api_base_url: str | None = None
    """Address that API paths are appended to. Sources: curated, models.dev."""
    credential_variables: list[str] = Field(default_factory=list, sa_type=ExactJson)
    """Environment variables its clients read credentials from, e.g. OPENAI_API_KEY. Source: models.dev."""
    model_count: int = 0
    """Number of models it sells or sold, retired ones included."""


class Family(Table, table=True):
    """A line of models that share a name and a lineage."""

    __tablename__ = "family"

    slug: str = Field(primary_key=True)
    """Short name of the family: gpt-4.1, claude-sonnet."""
    name: str = Field(index=True)
    """Display name."""
    default_model_ref: str | None = None
    """Reference of the model to start with. Source: curated."""
    model_count: int = 0
    """Number of models in the family, over all providers."""


class Model(Table, table=True):
    """One model as one provider serves it."""

    __tablename__ = "model"
    __table_args__: ClassVar[Any] = (
        sa.Index("model_newest", sa.text("(release_date IS NULL)"), sa.text("release_date DESC"), "ref"),
        sa.Index(
            "model_newest_by_provider",
            "provider_slug",
            sa.text("(release_date IS NULL)"),
            sa.text("release_date DESC"),
            "ref",
        ),
        sa.Index("model_cheapest", sa.text("(price_input IS NULL)"), "price_input", "ref"),
        sa.Index("model_cheapest_output", sa.text("(price_output IS NULL)"), "price_output", "ref"),
        sa.Index("model_largest", sa.text("(context_window IS NULL)"), "context_window", "ref"),
        sa.Index("model_largest_output", sa.text("(max_output_tokens IS NULL)"), "max_output_tokens", "ref"),
        sa.Index("model_name", "name", "ref"),
        sa.Index("model_versions", "provider_slug", "version_of"),
    )

    id: int | None = Field(default=None, primary_key=True)
    ref: str = Field(unique=True)
    """Provider and identifier, unique in the registry: openai/gpt-4.1-mini."""
    provider_slug: str = Field(foreign_key="provider.slug")
    slug: str = Field(index=True)
    """The exact identifier to send in the provider's API calls."""
    name: str
    """Display name."""
    family_slug: str | None = Field(default=None, foreign_key="family.slug", index=True)
    canonical: str | None = Field(default=None, index=True)
    """Identity shared by the same model at all providers: maker/model."""
    version_of: str | None = None
    """Identity shared by all dated versions of a model at one provider: the undated slug."""
    is_latest_version: bool = True
    """Whether this is the newest of its versions; true where there is only one."""
    status: ModelStatus = Field(sa_type=word(ModelStatus), index=True)
    """Where the model stands in its life. Sources: curated, models.dev."""
    access_type: AccessType = Field(sa_type=word(AccessType), index=True)
    """How far its weights can be had. Sources: curated, models.dev."""
    license: str | None = None
    """Licence of the model, an SPDX identifier in lower case where there is one. Source: curated."""
    parameter_size: str | None = None
    """Number of weights as published, e.g. 72B; null where its maker does not say. Source: curated."""
    tagline: str | None = None
    """What it is, in a line of our own. Source: curated."""
    description: str | None = None
    """What it is, in a few sentences of our own. Source: curated."""
    best_for: str | None = None
    """What it is best used for, in a phrase of our own. Source: curated."""
    is_flagship: bool = False
    """Whether it is its provider's top model. Source: curated."""
    is_recommended: bool = False
    """Whether its provider recommends it to start with. Source: curated."""
    context_window: int | None = None
    """Largest prompt plus answer, in tokens; null when no source publishes it.
    Sources: curated, genai-prices, models.dev."""
    max_input_tokens: int | None = None
    """Largest prompt, in tokens, where it is limited apart from the window. Sources: curated, models.dev."""
    max_output_tokens: int | None = None
    """Largest answer, in tokens; null when no source publishes it. Sources: curated, models.dev."""
    price_input: Decimal | None = Field(default=None, sa_type=ExactDecimal)
    price_output: Decimal | None = Field(default=None, sa_type=ExactDecimal)
    price_cache_read: Decimal | None = Field(default=None, sa_type=ExactDecimal)
    price_cache_write: Decimal | None = Field(default=None, sa_type=ExactDecimal)
    price_publication: PricePublication = Field(sa_type=word(PricePublication), index=True)
    knowledge_cutoff: date | None = None
    """First day of the stated end of its training data; knowledgeCutoffText tells how precise that is."""
    knowledge_cutoff_text: str | None = None
    """End of its training data as published: a year, a month or a day. Sources: curated, models.dev."""
    release_date: date | None = None
    """Day it was first offered. Sources: curated, models.dev."""
    deprecation_date: date | None = None
    """Day its withdrawal was announced for, or took effect as a warning. Source: curated."""
    retirement_date: date | None = None
    """Day it is or was withdrawn. Sources: curated, or the day it left every source."""
    updated_at: datetime = Field(sa_type=Instant)
    """When a refresh last changed anything about this model here."""
    search_prior: int = 0
    """How likely this row is meant when several fit a search alike: makers before resellers, current before retired."""
    search_length: int = 0
    """Number of terms in its name: of two names that fit a search, the shorter fits better."""
    fingerprint: str
    """Hash of everything the registry says of this model: a refresh writes only where it differs."""


class Rate(Table, table=True):
    """One rate: what one meter costs at one tier, from one context size on, over one stretch of time."""

    __tablename__ = "rate"

    id: int | None = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id", index=True)
    position: int
    """Order of the rates of a model: tier, context size, meter, time."""
    service_tier: ServiceTier = Field(sa_type=word(ServiceTier))
    """The tier of service the rate holds for."""
    meter: Meter = Field(sa_type=word(Meter))
    """What is counted."""
    amount: Decimal | None = Field(default=None, sa_type=ExactDecimal)
    """Price of one unit, in the currency; null when included in a subscription or not published,
    "0" exactly when free."""
    publication: PricePublication = Field(sa_type=word(PricePublication))
    """What is known of the price."""
    currency: str = "USD"
    """Currency of the amount, ISO 4217."""
    unit: PriceUnit = Field(sa_type=word(PriceUnit))
    """The amount of the meter that the price pays for."""
    min_context_tokens: int = 0
    """The rate holds for requests of more than this many input tokens; 0 is the base rate."""
    daily_from: time | None = None
    """Time of day, UTC, from which the rate holds."""
    daily_to: time | None = None
    """Time of day, UTC, until which the rate holds."""
    effective_from: date | None = None
    """First day the rate is in force; null where no source gives a start."""
    effective_to: date | None = None
    """First day the rate is no longer in force; null while it lasts."""
    source_slug: str = Field(foreign_key="source.slug")
    observed: bool = False
    """Whether the stretch of time is what this registry saw, not what the source states."""


class Parameter(Table, table=True):
    """A request parameter a developer can turn."""

    __tablename__ = "parameter"
    __table_args__: ClassVar[Any] = (sa.Index("parameter_name", "name", "supported", "model_id"),)

    id: int | None = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id", index=True)
    position: int
    """Order in which the parameters of a model are listed."""
    name: str
    """As the API spells it: temperature, topP."""
    label: str
    """Name for people: Temperature."""
    kind: ParameterKind = Field(sa_type=word(ParameterKind))
    """The kind of value it takes."""
    supported: bool = True
    """False when the API rejects or ignores it for this model."""
    default: Any = Field(default=None, sa_type=ExactJson, nullable=True)
    """Value used when the caller gives none; null where no source states one."""
    minimum: Decimal | None = Field(default=None, sa_type=ExactDecimal)
    """Smallest value taken; null where there is none or no source states one."""
    maximum: Decimal | None = Field(default=None, sa_type=ExactDecimal)
    """Largest value taken; null where there is none or no source states one."""
    allowed_values: list[str] | None = Field(default=None, sa_type=ExactJson, nullable=True)
    """Every value taken, where the set is closed."""
    note: str | None = None
    """What else to know about it."""
    source_slug: str = Field(foreign_key="source.slug")


class TraitKind(Enum):
    """The lists of words a model carries."""

    INPUT_MODALITY = "INPUT_MODALITY"
    OUTPUT_MODALITY = "OUTPUT_MODALITY"
    CAPABILITY = "CAPABILITY"
    ENDPOINT = "ENDPOINT"
    USE_CASE = "USE_CASE"


class Trait(Table, table=True):
    """A word that holds for a model: a modality, a capability, an endpoint, a use case.

    One table for all five, so that a page of models needs one statement for any of them.
    """

    __tablename__ = "trait"
    __table_args__: ClassVar[Any] = (sa.Index("trait_value", "kind", "value", "model_id"),)

    model_id: int = Field(foreign_key="model.id", primary_key=True)
    kind: TraitKind = Field(sa_type=word(TraitKind), primary_key=True)
    value: str = Field(primary_key=True)


class AliasKind(Enum):
    """Why another name means the model."""

    ALIAS = "ALIAS"
    SNAPSHOT = "SNAPSHOT"


class Alias(Table, table=True):
    """Another name a model is found under at its provider."""

    __tablename__ = "alias"
    __table_args__: ClassVar[Any] = (sa.Index("alias_name", "name", "model_id"),)

    model_id: int = Field(foreign_key="model.id", primary_key=True)
    name: str = Field(primary_key=True)
    """The other name, as people write it."""
    kind: AliasKind = Field(sa_type=word(AliasKind))


class Term(Table, table=True):
    """A term a model is found under by search."""

    __tablename__ = "term"

    term: str = Field(primary_key=True)
    model_id: int = Field(foreign_key="model.id", primary_key=True, index=True)
    weight: int
    """Weight of the weightiest field the term stands in."""


class ReferenceKind(Enum):
    """What a key of the reference index is made of."""

    FULL = "FULL"
    PLAIN = "PLAIN"
    ALIAS = "ALIAS"
    TITLE = "TITLE"
    TEXT = "TEXT"


class Reference(Table, table=True):
    """A key under which references find a model: its id, another name or its title, normalized."""

    __tablename__ = "reference"
    __table_args__: ClassVar[Any] = (sa.Index("reference_model", "model_id", "kind"),)

    kind: ReferenceKind = Field(sa_type=word(ReferenceKind), primary_key=True)
    """FULL is the whole id, PLAIN the id without how it is routed or sold, TEXT the text that near misses are
    looked for in."""
    key: str = Field(primary_key=True)
    """Words, numbers and day, normalized: gpt-mini/4.1/."""
    model_id: int = Field(foreign_key="model.id", primary_key=True)
    region: str = ""
    """The cloud region in front of the id, of FULL keys."""


class PrefixKind(Enum):
    """What a word in front of an id says."""

    MAKER = "MAKER"
    PATH = "PATH"
    SERVES = "SERVES"
    OWN = "OWN"


class Prefix(Table, table=True):
    """A word in front of ids, and the maker it stands for."""

    __tablename__ = "prefix"

    text: str = Field(primary_key=True)
    """The word, normalized. Of SERVES and OWN it is the slug of a lab."""
    kind: PrefixKind = Field(sa_type=word(PrefixKind), primary_key=True)
    """MAKER names a maker, PATH stands somewhere before a slash, SERVES a maker whose models the lab serves,
    OWN the maker the lab itself is."""
    maker: str = Field(default="", primary_key=True)
    """The maker; empty for PATH."""


class Claim(Table, table=True):
    """What one source says of one fact of a model."""

    __tablename__ = "claim"

    model_id: int = Field(foreign_key="model.id", primary_key=True)
    field: str = Field(primary_key=True)
    """The fact: a field of Model as the API spells it, with a dot for what lies below: price.input."""
    source_slug: str = Field(foreign_key="source.slug", primary_key=True)
    rank: int
    """0 for the claim that is believed; the others follow in order of trust."""
    value: Any = Field(default=None, sa_type=ExactJson, nullable=True)
    """The value as the source states it; decimals are strings."""
    disputed: bool = False
    """Whether this claim says something else than the one believed."""
    reason: str | None = None
    """Why this claim is believed although another differs, where a rule or a person decided."""
    observed_at: datetime = Field(sa_type=Instant)
    """When the registry first saw the source say this."""


class Change(Table, table=True):
    """Something that moved between two revisions."""

    __tablename__ = "change"
    # Each ends with the id, by which changes are listed.
    __table_args__: ClassVar[Any] = (
        sa.Index("change_by_revision", "revision_number", "id"),
        sa.Index("change_by_kind", "kind", "id"),
        sa.Index("change_by_model", "model_ref", "id"),
        sa.Index("change_by_provider", "provider_slug", "id"),
        sa.Index("change_by_field", "field", "id"),
        sa.Index("change_by_time", "observed_at", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    """Counts up with every change, in the order they were found."""
    revision_number: int = Field(foreign_key="revision.number")
    kind: ChangeKind = Field(sa_type=word(ChangeKind))
    """What kind of change it is."""
    model_ref: str | None = None
    provider_slug: str | None = None
    field: str | None = None
    """The fact that moved, as in facts; null when the whole model or provider came or went."""
    before: Any = Field(default=None, sa_type=ExactJson, nullable=True)
    """The value before; decimals are strings."""
    after: Any = Field(default=None, sa_type=ExactJson, nullable=True)
    """The value after; decimals are strings."""
    observed_at: datetime = Field(sa_type=Instant)
    """When the refresh that brought it ran."""


REGISTRY: tuple[type[Table], ...] = (
    Layout,
    Source,
    Edition,
    Revision,
    Provider,
    Family,
    Model,
    Rate,
    Parameter,
    Trait,
    Alias,
    Term,
    Reference,
    Prefix,
    Claim,
    Change,
)
"""Every table, parents before children."""
