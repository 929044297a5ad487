"""Every setting once: name, default, sentence. Read from MODELMETA_* variables and command-line flags."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import make_url

from server.errors import OperatorError

PREFIX = "MODELMETA_"


def default_database_url() -> str:
    return f"sqlite+aiosqlite:///{(user_data_path('modelmeta') / 'modelmeta.sqlite').as_posix()}"


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for every interface."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port to listen on; 0 picks a free one."""
    database_url: str = Field(
        default_factory=default_database_url, pattern=r"^(sqlite\+aiosqlite|postgresql\+asyncpg)://"
    )
    """Where the registry is kept: sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER@HOST/DATABASE."""
    refresh_interval: int = Field(default=3600, ge=0)
    """Seconds between refreshes; 0 never refreshes by itself."""
    models_dev_url: str = "https://models.dev/api.json"
    """Where models.dev is fetched from; empty switches the live feed off."""
    genai_prices_url: str = (
        "https://raw.githubusercontent.com/pydantic/genai-prices/refs/heads/main/prices/new_data/v2/data.json"
    )
    """Where genai-prices is fetched from; empty switches the live feed off."""
    openrouter_url: str = "https://openrouter.ai/api/v1/models"
    """Where OpenRouter's list of models is fetched from; empty switches the live feed off."""
    fetch_timeout: float = Field(default=60.0, gt=0, allow_inf_nan=False)
    """Seconds one feed may take to arrive, repeated attempts included."""
    max_feed_bytes: int = Field(default=33_554_432, ge=1_024)
    """Largest answer of a feed, in bytes, unpacked."""
    guard_invalid: float = Field(default=0.25, ge=0, le=1)
    """Share of a feed's entries that may fail validation before it is held."""
    guard_retired: float = Field(default=0.25, ge=0, le=1)
    """Share of a feed's models that may leave it at once before it is held."""
    guard_moved: float = Field(default=0.25, ge=0, le=1)
    """Share of a feed's prices that may move at once before it is held."""
    overlay: Path | None = None
    """A TOML or JSON file of your own models, prices and corrections, believed before every other source."""
    operator_token: str | None = Field(default=None, min_length=16)
    """Secret that allows the mutation refreshRegistry; unset, nobody may."""
    cors_origins: str = "*"
    """Origins that browsers may call the API from, separated by commas; * for any, empty for none."""
    operation_timeout: float = Field(default=5.0, gt=0, allow_inf_nan=False)
    """Seconds an operation may take before it is stopped."""
    keep_alive: float = Field(default=15.0, gt=0, allow_inf_nan=False)
    """Seconds between signs of life on sockets and event streams."""
    send_timeout: float = Field(default=20.0, gt=0, allow_inf_nan=False)
    """Seconds a client may take nothing of what it is sent before it is cut off."""
    max_sockets: int = Field(default=10_000, ge=1)
    """Largest number of sockets and event streams open at once."""
    max_sockets_per_address: int = Field(default=2_000, ge=1)
    """Largest number of sockets and event streams open at once from one address."""
    max_body_bytes: int = Field(default=131_072, ge=1_024)
    """Largest request body, in bytes."""
    max_cost: int = Field(default=100_000, ge=100)
    """Largest number of objects one document may ask for, pages multiplied."""
    max_depth: int = Field(default=15, ge=3)
    """Deepest nesting of fields in one document."""
    max_tokens: int = Field(default=5_000, ge=100)
    """Largest number of tokens in one document."""
    max_aliases: int = Field(default=100, ge=1)
    """Largest number of aliases in one document."""
    log_level: str = Field(default="info", pattern="^(critical|error|warning|info|debug)$")
    """How much is logged: critical, error, warning, info or debug."""


class Origin(NamedTuple):
    """Where a setting's value came from, for `modelmeta settings`."""

    name: str
    variable: str
    value: str
    origin: str
    sentence: str


SECRET = frozenset({"operator_token"})


def shown(name: str, value: Any) -> str:
    """A value as it may be shown: without secrets."""
    if value is None:
        return ""
    if name in SECRET:
        return "(set)"
    return make_url(value).render_as_string() if name == "database_url" else str(value)


def variable(name: str) -> str:
    return PREFIX + name.upper()


def _given(environment: Mapping[str, str], flags: Mapping[str, Any]) -> dict[str, Any]:
    known = {variable(name): name for name in Settings.model_fields}
    given: dict[str, Any] = {}
    for key, value in environment.items():
        if not key.startswith(PREFIX) or key == f"{PREFIX}SKIP_GRAPHIQL":  # that one is the installer's
            continue
        if key not in known:
            raise OperatorError(f"No setting is called {key}. `modelmeta settings` lists those there are.")
        # An empty variable means the default, but for the feeds and origins, where it means "off".
        if value == "" and not (key.endswith("_URL") and "DATABASE" not in key) and key != f"{PREFIX}CORS_ORIGINS":
            continue
        given[known[key]] = value
    given.update({name: value for name, value in flags.items() if value is not None})
    return given


def read(environment: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> Settings:
    """Settings from the environment, flags first. Raises OperatorError naming the setting and the way out."""
    given = _given(environment, flags or {})
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        sentence = Settings.model_fields[name].description
        # An address may hold a password.
        given_value = re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", repr(first["input"]))
        shown = "(hidden)" if name in SECRET else given_value
        raise OperatorError(f"{variable(name)} is {shown}: {first['msg']}. {sentence}") from error


def environment(settings: Settings) -> dict[str, str]:
    """The variables that give another process of this program the same settings."""
    values = {name: getattr(settings, name) for name in Settings.model_fields}
    return {variable(name): "" if value is None else str(value) for name, value in values.items()}


def origins(environment: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> list[Origin]:
    """Every setting with its value and where that came from."""
    flags = {name: value for name, value in (flags or {}).items() if value is not None}
    given, settings = _given(environment, flags), read(environment, flags)
    return [
        Origin(
            name,
            variable(name),
            shown(name, getattr(settings, name)),
            "flag" if name in flags else "environment" if name in given else "default",
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]


def settings_table() -> str:
    """Every setting as a table in Markdown, for the README."""
    lines = ["| Variable | Default | Meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "a file in the user's data directory" if name == "database_url" else field.default
        shown = "" if default in (None, "") else f"{default}" if name == "database_url" else f"`{default}`"
        lines.append(f"| `{variable(name)}` | {shown} | {field.description} |")
    return "\n".join(lines) + "\n"
